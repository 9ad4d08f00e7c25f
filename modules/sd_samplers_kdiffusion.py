"""Doorway: `modules.sd_samplers_kdiffusion`."""

from __future__ import annotations

from modules.a1111.sampler_objects import CFGDenoiser, InnerModel, KDiffusionSampler, Sampler
from modules.a1111.sampler_objects import CFGDenoiser as CFGDenoiserKDiffusion
from modules.a1111.samplers import all_samplers as samplers_k_diffusion

__all__ = [
    "CFGDenoiser",
    "CFGDenoiserKDiffusion",
    "InnerModel",
    "KDiffusionSampler",
    "Sampler",
    "samplers_k_diffusion",
]
