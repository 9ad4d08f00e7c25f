"""Doorway: `modules.upscaler`."""

from __future__ import annotations

from modules.a1111.pictures import LANCZOS, NEAREST
from modules.a1111.small_modules import Upscaler, UpscalerData

__all__ = [
    "LANCZOS",
    "NEAREST",
    "Upscaler",
    "UpscalerData",
]
