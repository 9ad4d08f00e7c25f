"""Doorway: `modules.shared_state`, the job at hand."""

from __future__ import annotations

from modules.a1111.state import State

__all__ = ["State"]
