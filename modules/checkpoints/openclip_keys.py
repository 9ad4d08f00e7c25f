"""From OpenCLIP's names to those of transformers' CLIP, which is the same transformer."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from modules.foundation.errors import CheckpointError

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
_VISION = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.weight": "embeddings.patch_embedding.weight",
    "ln_pre.weight": "pre_layrnorm.weight",
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight",
    "ln_post.bias": "post_layernorm.bias",
}


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


def vision_to_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of OpenAI's or OpenCLIP's vision transformer under the names of transformers' CLIP.

    Names come without "visual." before them. Nothing is copied. Raises CheckpointError for a name that such a
    transformer does not have, and where there is no projection.
    """
    blocks = {name: each for name, each in tensors.items() if name.startswith("transformer.")}
    found = {f"vision_model.{name}": each for name, each in to_transformers(blocks)[0].items()}
    found |= {f"vision_model.{_VISION[name]}": each for name, each in tensors.items() if name in _VISION}
    if "proj" not in tensors:
        raise CheckpointError("it lacks the visual projection")
    found["visual_projection.weight"] = tensors["proj"].T
    return found


def _layer_tensors(name: str, tensor: Tensor) -> dict[str, Tensor]:
    module, _, kind = name.rpartition(".")
    if name.startswith("attn.in_proj_"):
        kind = name.removeprefix("attn.in_proj_")
        query, key, value = tensor.chunk(3)
        return {f"self_attn.{part}_proj.{kind}": each for part, each in (("q", query), ("k", key), ("v", value))}
    if module not in _IN_A_LAYER:
        raise CheckpointError(f"its text encoder has a tensor {name!r} in a layer, which OpenCLIP does not have")
    return {f"{_IN_A_LAYER[module]}.{kind}": tensor}
