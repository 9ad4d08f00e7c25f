"""Doorway: `modules.sd_samplers_common`."""

from __future__ import annotations

from modules.a1111.sampler_objects import Sampler
from modules.a1111.samplers import SamplerData
from modules.a1111.store_latents import (
    InterruptedException,
    approximation_indexes,
    decode_first_stage,
    images_tensor_to_samples,
    sample_to_image,
    samples_to_images_tensor,
    setup_img2img_steps,
    single_sample_to_image,
    store_latent,
)

__all__ = [
    "InterruptedException",
    "Sampler",
    "SamplerData",
    "approximation_indexes",
    "decode_first_stage",
    "images_tensor_to_samples",
    "sample_to_image",
    "samples_to_images_tensor",
    "setup_img2img_steps",
    "single_sample_to_image",
    "store_latent",
]
