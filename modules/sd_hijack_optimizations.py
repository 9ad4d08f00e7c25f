"""Doorway: `modules.sd_hijack_optimizations`."""

from __future__ import annotations

from modules.a1111.alternatives import SdOptimization

__all__ = ["SdOptimization"]
