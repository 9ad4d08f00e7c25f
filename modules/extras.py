"""Doorway: `modules.extras`."""

from __future__ import annotations

from modules.a1111.small_modules import run_pnginfo

__all__ = [
    "run_pnginfo",
]
