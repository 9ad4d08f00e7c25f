"""Doorway: `modules.deepbooru`."""

from __future__ import annotations

import re

from modules.a1111.small_modules import Tagger as DeepDanbooru

__all__ = ["DeepDanbooru", "model", "re_special"]

re_special = re.compile(r"([\\()])")

model = DeepDanbooru()
