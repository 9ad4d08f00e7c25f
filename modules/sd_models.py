"""Doorway: `modules.sd_models`."""

from __future__ import annotations

from typing import Any

from modules.a1111.models import (
    checkpoint_tiles,
    get_closest_checkpoint_match,
    get_closet_checkpoint_match,
    get_state_dict_from_checkpoint,
    list_models,
    load_model,
    load_torch_file,
    model_data,
    model_hash,
    read_metadata_from_safetensors,
    read_state_dict,
    reload_model_weights,
    select_checkpoint,
    send_model_to_cpu,
    send_model_to_device,
    unload_model_weights,
    value_of,
)
from modules.a1111.sd_model import CheckpointView as CheckpointInfo

__all__ = [
    "CheckpointInfo",
    "apply_token_merging",
    "checkpoint_tiles",
    "get_closest_checkpoint_match",
    "get_closet_checkpoint_match",
    "get_state_dict_from_checkpoint",
    "list_models",
    "load_model",
    "load_torch_file",
    "model_data",
    "model_hash",
    "read_metadata_from_safetensors",
    "read_state_dict",
    "reload_model_weights",
    "select_checkpoint",
    "send_model_to_cpu",
    "send_model_to_device",
    "unload_model_weights",
]


def apply_token_merging(sd_model: object, token_merging_ratio: float) -> None:
    """Nothing: the share of tokens that is merged is that of the pass, from `p` and the settings."""


def __getattr__(name: str) -> Any:
    return value_of("modules.sd_models", name)
