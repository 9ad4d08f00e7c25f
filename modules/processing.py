"""Doorway: `modules.processing`, generations as scripts and extensions of A1111 make them."""

from __future__ import annotations

from modules.a1111.processing.parameters import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    fix_seed,
    get_fixed_seed,
)
from modules.a1111.processing.processed import Processed
from modules.a1111.processing.running import create_infotext, process_images

__all__ = [
    "Processed",
    "StableDiffusionProcessing",
    "StableDiffusionProcessingImg2Img",
    "StableDiffusionProcessingTxt2Img",
    "create_infotext",
    "fix_seed",
    "get_fixed_seed",
    "process_images",
]
