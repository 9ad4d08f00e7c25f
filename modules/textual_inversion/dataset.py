"""Doorway: `modules.textual_inversion.dataset`."""

from __future__ import annotations

import re

__all__ = ["re_numbers_at_start"]

re_numbers_at_start = re.compile(r"^[-\d]+\s*")
