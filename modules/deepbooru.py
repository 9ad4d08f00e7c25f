"""Doorway: `modules.deepbooru`."""

from __future__ import annotations

from modules.a1111.small_modules import Tagger as DeepDanbooru

__all__ = ["DeepDanbooru", "model"]

model = DeepDanbooru()
