"""Doorway: `modules.sd_samplers_timesteps`."""

from __future__ import annotations

from modules.a1111.sampler_objects import CFGDenoiser as CFGDenoiserTimesteps
from modules.a1111.sampler_objects import CompVisSampler
from modules.a1111.stand_ins import stand_in

__all__ = [
    "CFGDenoiserTimesteps",
    "CompVisSampler",
    "CompVisTimestepsDenoiser",
    "CompVisTimestepsVDenoiser",
]

CompVisTimestepsDenoiser = stand_in(__name__, "CompVisTimestepsDenoiser")
CompVisTimestepsVDenoiser = stand_in(__name__, "CompVisTimestepsVDenoiser")
