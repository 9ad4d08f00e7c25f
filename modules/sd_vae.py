"""Doorway: `modules.sd_vae`."""

from __future__ import annotations

from typing import Any

from modules.a1111.models import get_filename, refresh_vae_list, reload_vae_weights, value_of

__all__ = [
    "get_filename",
    "refresh_vae_list",
    "reload_vae_weights",
]


def __getattr__(name: str) -> Any:
    return value_of("modules.sd_vae", name)
