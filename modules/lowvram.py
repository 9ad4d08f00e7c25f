"""Doorway: `modules.lowvram`; where models lie is the program's business."""

from __future__ import annotations

__all__ = ["is_enabled", "send_everything_to_cpu", "setup_for_low_vram"]


def send_everything_to_cpu() -> None:
    """Does nothing: Easel places models itself."""


def setup_for_low_vram(sd_model: object, use_medvram: bool) -> None:
    """Does nothing: Easel places models itself."""


def is_enabled(sd_model: object) -> bool:
    """False: no model has parts that the extension would have to fetch."""
    return False
