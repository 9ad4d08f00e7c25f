"""From the names of BLIP's original checkpoints (Li et al. 2022) to those of transformers' module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonObject

_VISION = {
    "cls_token": "embeddings.class_embedding",
    "pos_embed": "embeddings.position_embedding",
    "patch_embed.proj": "embeddings.patch_embedding",
    "norm": "post_layernorm",
}
_IN_A_BLOCK = {
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
    "attn.qkv": "self_attn.qkv",
    "attn.proj": "self_attn.projection",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
HEAD_WIDTH = 64
"""Numbers of an attention head, in the vision transformer and in BERT alike."""


def to_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a captioning checkpoint under transformers' names; its text half has the same ones already."""
    return {_renamed(name): tensor for name, tensor in tensors.items()}


def _renamed(name: str) -> str:
    if not name.startswith("visual_encoder."):
        return name
    inner = name.removeprefix("visual_encoder.")
    if inner.startswith("blocks."):
        number, _, rest = inner.removeprefix("blocks.").partition(".")
        module, _, kind = rest.rpartition(".")
        return f"vision_model.encoder.layers.{number}.{_IN_A_BLOCK.get(module, module)}.{kind}"
    if inner in _VISION:
        return f"vision_model.{_VISION[inner]}"
    module, _, kind = inner.rpartition(".")
    return f"vision_model.{_VISION.get(module, module)}.{kind}"


def config_of(tensors: Mapping[str, Tensor]) -> JsonObject:
    """The configuration that these tensors (transformers' names) are of. Raises CheckpointError for another model."""
    try:
        patches = tensors["vision_model.embeddings.patch_embedding.weight"]
        positions = tensors["vision_model.embeddings.position_embedding"].shape[1] - 1
        words = tensors["text_decoder.bert.embeddings.word_embeddings.weight"]
        text_positions = tensors["text_decoder.bert.embeddings.position_embeddings.weight"].shape[0]
        vision: dict[str, Any] = {
            "hidden_size": patches.shape[0],
            "patch_size": patches.shape[-1],
            "image_size": patches.shape[-1] * round(positions**0.5),
            "intermediate_size": tensors["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
            "num_hidden_layers": _count(tensors, "vision_model.encoder.layers."),
            "num_attention_heads": max(patches.shape[0] // HEAD_WIDTH, 1),
            "layer_norm_eps": 1e-6,
        }
        intermediate = tensors["text_decoder.bert.encoder.layer.0.intermediate.dense.weight"].shape[0]
    except KeyError as error:
        raise CheckpointError(f"it is no captioning model of BLIP: it lacks {error}") from error
    text = {
        "vocab_size": words.shape[0],
        "hidden_size": words.shape[1],
        "encoder_hidden_size": patches.shape[0],
        "intermediate_size": intermediate,
        "num_hidden_layers": _count(tensors, "text_decoder.bert.encoder.layer."),
        "num_attention_heads": max(words.shape[1] // HEAD_WIDTH, 1),
        "max_position_embeddings": text_positions,
        "bos_token_id": words.shape[0] - 2,
    }
    return {"vision_config": vision, "text_config": text}


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return len({name.removeprefix(prefix).partition(".")[0] for name in tensors if name.startswith(prefix)})
