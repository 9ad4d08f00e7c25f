"""Doorway: `modules.masking`."""

from __future__ import annotations

from modules.a1111.small_modules import expand_crop_region, fill, get_crop_region, get_crop_region_v2

__all__ = [
    "expand_crop_region",
    "fill",
    "get_crop_region",
    "get_crop_region_v2",
]
