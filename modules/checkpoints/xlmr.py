"""The text encoder of Alt-Diffusion (Chen et al. 2022, "AltCLIP"): XLM-RoBERTa and a projection to CLIP's vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from modules.checkpoints.layout import count_layers
from modules.checkpoints.tensors import Shapes
from modules.foundation.errors import CheckpointError
from modules.foundation.importing import importing
from modules.foundation.plain import JsonMapping, JsonObject

START, PAD, END = 0, 1, 2
HEAD_WIDTH = 64
NARROWEST = 256
NARROW_HEADS = 4
NORM_EPS = 1e-5
PROJECTION = "projection"
FROM_LAST_BUT_ONE = "from_last_but_one"
"""Arguments of ours: the width that is projected to, and whether the last layer but one is what is projected."""


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


def xlmr_config(shapes: Shapes, prefix: str) -> JsonObject:
    """Arguments of `ProjectedXlmRoberta` for the tensors under `prefix`. Raises CheckpointError for incomplete ones."""
    try:
        vocabulary, width = shapes[f"{prefix}roberta.embeddings.word_embeddings.weight"]
        layer = f"{prefix}roberta.encoder.layer."
        from_last_but_one = f"{prefix}transformation_pre.weight" in shapes
        projection = "transformation_pre" if from_last_but_one else "transformation"
        return {
            "vocab_size": vocabulary,
            "hidden_size": width,
            "num_hidden_layers": count_layers(shapes, layer, ".intermediate.dense.weight"),
            "num_attention_heads": width // HEAD_WIDTH if width >= NARROWEST else NARROW_HEADS,
            "intermediate_size": shapes[f"{layer}0.intermediate.dense.weight"][0],
            "max_position_embeddings": shapes[f"{prefix}roberta.embeddings.position_embeddings.weight"][0],
            "type_vocab_size": shapes[f"{prefix}roberta.embeddings.token_type_embeddings.weight"][0],
            "layer_norm_eps": NORM_EPS,
            "bos_token_id": START,
            "pad_token_id": PAD,
            "eos_token_id": END,
            PROJECTION: shapes[f"{prefix}{projection}.weight"][0],
            FROM_LAST_BUT_ONE: from_last_but_one,
        }
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"it holds no whole XLM-R text encoder (there is no {error})") from error
