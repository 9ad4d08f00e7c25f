"""OpenCLIP's text transformer, the encoder of Stable Diffusion 2 and the second one of SDXL.

It is the same transformer as CLIP's under other names, with exact GELU, prompts padded with 0, and the last layer but
one as its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modules.text_encoders.chunks import Chunk
from modules.text_encoders.clip import ClipEncoder, padded_tokens
from modules.text_encoders.tokenizer import ClipTokenizer

if TYPE_CHECKING:
    from transformers import CLIPTextModel


class OpenClipEncoder(ClipEncoder):
    """OpenCLIP in a transformers model. Clip skip does not act on it: the last layer but one is always taken.

    `layers` is how many layers that is; other programs save models without the layer that is never used.
    """

    def __init__(
        self,
        model: CLIPTextModel,
        tokenizer: ClipTokenizer,
        projection: Tensor | None = None,
        name: str = "clip_g",
        layers: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, name)
        self.projection = projection
        self.layers = model.config.num_hidden_layers - 1 if layers is None else layers

    def layers_for(self, clip_skip: int) -> int:
        """All layers but the last."""
        return self.layers

    def with_pooled(self, chunks: Sequence[Chunk]) -> tuple[Tensor, Tensor]:
        """The last layer but one [chunks, 77, width], without final norm, and the projected text [chunks, projection].

        The text's vector is that of its end token in the last layer, through the final norm and the projection.
        """
        hidden = self.hidden_states(chunks, self.layers_for(1))
        last = self.final(self.run_layers(hidden, self.model.encoder.layers[-1:]))
        tokens = [padded_tokens(chunk, self.tokenizer) for chunk in chunks]
        ends = torch.tensor([max(range(len(ids)), key=ids.__getitem__) for ids in tokens], device=last.device)
        pooled = last[torch.arange(len(chunks), device=last.device), ends]
        if self.projection is not None:
            pooled = pooled @ self.projection.to(pooled)
        return hidden, pooled
