"""OpenCLIP's text transformer, the encoder of Stable Diffusion 2 and the second one of SDXL.

It is the same transformer as CLIP's under other names, with exact GELU, prompts padded with 0, and the last layer but
one as its output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modules.foundation.errors import CheckpointError
from modules.text_encoders.chunks import Chunk
from modules.text_encoders.clip import ClipEncoder, padded_tokens
from modules.text_encoders.tokenizer import ClipTokenizer

if TYPE_CHECKING:
    from transformers import CLIPTextModel

_OUTSIDE = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
_IN_A_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_LAYERS = "transformer.resblocks."


def to_transformers(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Tensor | None]:
    """OpenCLIP's tensors under the names of transformers' CLIPTextModel, and the text projection [width, projection].

    Names come without the prefix of the checkpoint. Nothing is copied. Raises CheckpointError for a name that such a
    transformer does not have.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in _OUTSIDE:
            found[_OUTSIDE[name]] = tensor
        elif name.startswith(_LAYERS):
            layer, _, inner = name.removeprefix(_LAYERS).partition(".")
            found |= {f"encoder.layers.{layer}.{key}": value for key, value in _layer_tensors(inner, tensor).items()}
        elif name not in ("text_projection", "logit_scale", "attn_mask"):
            raise CheckpointError(f"its text encoder has a tensor {name!r}, which OpenCLIP does not have")
    return found, tensors.get("text_projection")


def _layer_tensors(name: str, tensor: Tensor) -> dict[str, Tensor]:
    module, _, kind = name.rpartition(".")
    if name.startswith("attn.in_proj_"):
        kind = name.removeprefix("attn.in_proj_")
        query, key, value = tensor.chunk(3)
        return {f"self_attn.{part}_proj.{kind}": each for part, each in (("q", query), ("k", key), ("v", value))}
    if module not in _IN_A_LAYER:
        raise CheckpointError(f"its text encoder has a tensor {name!r} in a layer, which OpenCLIP does not have")
    return {f"{_IN_A_LAYER[module]}.{kind}": tensor}


class OpenClipEncoder(ClipEncoder):
    """OpenCLIP in a transformers model. Clip skip does not act on it: the last layer but one is always taken."""

    def __init__(
        self,
        model: CLIPTextModel,
        tokenizer: ClipTokenizer,
        projection: Tensor | None = None,
        name: str = "clip_g",
    ) -> None:
        super().__init__(model, tokenizer, name)
        self.projection = projection

    def layers_for(self, clip_skip: int) -> int:
        """All layers but the last."""
        return self.model.config.num_hidden_layers - 1

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
