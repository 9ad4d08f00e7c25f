"""The text encoder of Alt-Diffusion (Chen et al. 2022, "AltCLIP"): XLM-RoBERTa and a projection to CLIP's vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from modules.checkpoints.xlmr_layout import FROM_LAST_BUT_ONE, PAD, PROJECTION
from modules.foundation.importing import importing
from modules.foundation.plain import JsonMapping


class ProjectedXlmRoberta(nn.Module):
    """XLM-RoBERTa with a projection of its last layer or, in the form for 18 languages, of the normed one before it."""

    def __init__(self, config: JsonMapping) -> None:
        super().__init__()
        with importing("transformers.models.xlm_roberta.modeling_xlm_roberta"):
            from transformers import XLMRobertaConfig, XLMRobertaModel

        arguments = dict(config)
        projection: int = arguments.pop(PROJECTION)
        self.from_last_but_one: bool = arguments.pop(FROM_LAST_BUT_ONE)
        self.config: Any = XLMRobertaConfig(**arguments)
        self.roberta = XLMRobertaModel(self.config, add_pooling_layer=False)
        width: int = self.config.hidden_size
        if self.from_last_but_one:
            self.transformation_pre = nn.Linear(width, projection)
            self.pre_LN = nn.LayerNorm(width, eps=self.config.layer_norm_eps)
        else:
            self.transformation = nn.Linear(width, projection)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.word_embeddings.weight.device

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The vectors of tokens."""
        embeddings: Any = self.roberta.embeddings
        return embeddings.word_embeddings

    def forward(self, vectors: Tensor, filled: Tensor) -> Tensor:
        """Tokens' vectors [B, n, width], `filled` [B, n] true where there is no padding -> [B, n, projection]."""
        # Positions count from the one after the padding's, which padding itself keeps.
        positions = filled.long().cumsum(dim=1) * filled.long() + PAD
        roberta: Any = self.roberta
        made = roberta(
            inputs_embeds=vectors,
            attention_mask=filled.long(),
            position_ids=positions,
            output_hidden_states=self.from_last_but_one,
        )
        if self.from_last_but_one:
            return self.transformation_pre(self.pre_LN(made.hidden_states[-2]))
        return self.transformation(made.last_hidden_state)
