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
    "samplers_timesteps",
]

samplers_timesteps = [
    ("DDIM", "ddim", ["ddim"], {}),
    ("DDIM CFG++", "ddim_cfgpp", ["ddim_cfgpp"], {}),
    ("PLMS", "plms", ["plms"], {}),
    ("UniPC", "unipc", ["unipc"], {}),
]
"""The samplers that go by time steps: their labels, functions, other names and options."""

CompVisTimestepsDenoiser = stand_in(__name__, "CompVisTimestepsDenoiser")
CompVisTimestepsVDenoiser = stand_in(__name__, "CompVisTimestepsVDenoiser")
