"""Doorway: `modules.sd_samplers_cfg_denoiser`."""

from __future__ import annotations

from modules.a1111.conditioning import catenate_conds, pad_cond, subscript_cond
from modules.a1111.sampler_objects import CFGDenoiser

__all__ = [
    "CFGDenoiser",
    "catenate_conds",
    "pad_cond",
    "subscript_cond",
]
