"""Doorway: `modules.sd_vae`."""

from __future__ import annotations

from typing import Any

from modules.a1111.models import (
    clear_loaded_vae,
    find_vae_near_checkpoint,
    get_filename,
    load_vae,
    load_vae_dict,
    refresh_vae_list,
    reload_vae_weights,
    value_of,
)

__all__ = [
    "clear_loaded_vae",
    "find_vae_near_checkpoint",
    "get_filename",
    "load_vae",
    "load_vae_dict",
    "refresh_vae_list",
    "reload_vae_weights",
]


def __getattr__(name: str) -> Any:
    return value_of("modules.sd_vae", name)
