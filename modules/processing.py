"""Doorway: `modules.processing`, generations as scripts and extensions of A1111 make them."""

from __future__ import annotations

from modules.a1111.noise import create_random_tensors, slerp
from modules.a1111.processing.helpers import (
    DecodedSamples,
    apply_color_correction,
    apply_overlay,
    create_binary_mask,
    decode_first_stage,
    decode_latent_batch,
    opt_C,
    opt_f,
    program_version,
    setup_color_correction,
    txt2img_image_conditioning,
)
from modules.a1111.processing.parameters import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    fix_seed,
    get_fixed_seed,
)
from modules.a1111.processing.processed import Processed
from modules.a1111.processing.running import create_infotext, process_images, process_images_inner
from modules.a1111.store_latents import images_tensor_to_samples

__all__ = [
    "DecodedSamples",
    "Processed",
    "StableDiffusionProcessing",
    "StableDiffusionProcessingImg2Img",
    "StableDiffusionProcessingTxt2Img",
    "apply_color_correction",
    "apply_overlay",
    "create_binary_mask",
    "create_infotext",
    "create_random_tensors",
    "decode_first_stage",
    "decode_latent_batch",
    "fix_seed",
    "get_fixed_seed",
    "images_tensor_to_samples",
    "opt_C",
    "opt_f",
    "process_images",
    "process_images_inner",
    "program_version",
    "setup_color_correction",
    "slerp",
    "txt2img_image_conditioning",
]
