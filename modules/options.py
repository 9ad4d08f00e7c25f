"""Doorway: `modules.options`."""

from __future__ import annotations

from modules.a1111.option_info import OptionDiv, OptionHTML, OptionInfo, options_section
from modules.a1111.options import Options

__all__ = ["OptionDiv", "OptionHTML", "OptionInfo", "Options", "options_section"]
