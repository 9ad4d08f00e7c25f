"""From the names of OpenAI's and OpenCLIP's checkpoints to those of transformers' CLIPModel, both halves."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from modules.checkpoints import openclip_keys
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonObject

HEAD_WIDTH = 64
_NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size")


def to_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names of transformers' CLIPModel. Raises CheckpointError for those of another model."""
    if "visual.conv1.weight" not in tensors:
        raise CheckpointError("it is no CLIP with a vision transformer: it lacks visual.conv1.weight")
    vision = {name.removeprefix("visual."): each for name, each in tensors.items() if name.startswith("visual.")}
    text = {name: each for name, each in tensors.items() if not name.startswith("visual.") and name not in _NO_WEIGHTS}
    text_found, text_projection = openclip_keys.to_transformers(text)
    found = {f"text_model.{name}": each for name, each in text_found.items()}
    found |= openclip_keys.vision_to_transformers(vision)
    if text_projection is None:
        raise CheckpointError("it lacks the text projection")
    found["text_projection.weight"] = text_projection.T
    if "logit_scale" in tensors:
        found["logit_scale"] = tensors["logit_scale"]
    return found


def config_of(tensors: Mapping[str, Tensor], activation: str) -> JsonObject:
    """The configuration that these tensors (transformers' names) are of; `activation` no shape tells."""
    patches = tensors["vision_model.embeddings.patch_embedding.weight"]
    words = tensors["text_model.embeddings.token_embedding.weight"]
    grid = round((tensors["vision_model.embeddings.position_embedding.weight"].shape[0] - 1) ** 0.5)
    vision = _transformer(tensors, "vision_model", patches.shape[0], activation)
    text = _transformer(tensors, "text_model", words.shape[1], activation)
    return {
        "projection_dim": tensors["text_projection.weight"].shape[0],
        "vision_config": {**vision, "patch_size": patches.shape[-1], "image_size": patches.shape[-1] * grid},
        "text_config": {
            **text,
            "vocab_size": words.shape[0],
            "max_position_embeddings": tensors["text_model.embeddings.position_embedding.weight"].shape[0],
        },
    }


def _transformer(tensors: Mapping[str, Tensor], half: str, width: int, activation: str) -> JsonObject:
    prefix = f"{half}.encoder.layers."
    return {
        "hidden_size": width,
        "intermediate_size": tensors[f"{prefix}0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": len({name.removeprefix(prefix).partition(".")[0] for name in tensors if prefix in name}),
        "num_attention_heads": max(width // HEAD_WIDTH, 1),
        "hidden_act": activation,
    }
