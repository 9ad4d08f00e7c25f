"""Doorway: `modules.patches`, replacing functions and putting them back."""

from __future__ import annotations

from modules.a1111.patching import original, originals, patch, undo

__all__ = ["original", "originals", "patch", "undo"]
