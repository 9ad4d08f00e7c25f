"""Doorway: `modules.options`."""

from __future__ import annotations

from modules.a1111.options import OptionDiv, OptionHTML, OptionInfo, Options, options_section

__all__ = ["OptionDiv", "OptionHTML", "OptionInfo", "Options", "options_section"]
