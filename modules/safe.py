"""Doorway: `modules.safe`."""

from __future__ import annotations

from modules.a1111.small_modules import load, unsafe_torch_load

__all__ = [
    "load",
    "unsafe_torch_load",
]
