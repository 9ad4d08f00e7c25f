"""Doorway: `modules.options`."""

from __future__ import annotations

from typing import Any

from modules.a1111.current import current
from modules.a1111.option_info import OptionDiv, OptionHTML, OptionInfo, options_section
from modules.a1111.options import Options

__all__ = ["OptionDiv", "OptionHTML", "OptionInfo", "Options", "options_section"]


def __getattr__(name: str) -> Any:
    if name == "categories":
        return current().extension_settings.categories
    raise AttributeError(f"module 'modules.options' has no attribute {name!r}")
