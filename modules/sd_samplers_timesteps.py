"""Doorway: `modules.sd_samplers_timesteps`."""

from __future__ import annotations

from modules.a1111.sampler_objects import CFGDenoiser as CFGDenoiserTimesteps
from modules.a1111.sampler_objects import CompVisSampler

__all__ = [
    "CFGDenoiserTimesteps",
    "CompVisSampler",
]
