"""Doorway: `modules.timer`, times."""

from __future__ import annotations

from modules.a1111.small_lists import Timer

__all__ = ["Timer"]

startup_timer = Timer()
