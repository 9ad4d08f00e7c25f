"""Doorway: `modules.shared`, the running program as extensions of A1111 know it."""

from __future__ import annotations

from typing import Any

from modules.a1111.current import current
from modules.a1111.option_info import OptionDiv, OptionHTML, OptionInfo, options_section
from modules.a1111.options import Options
from modules.a1111.shared import TotalTqdm
from modules.a1111.state import State

__all__ = ["OptionDiv", "OptionHTML", "OptionInfo", "Options", "State", "TotalTqdm", "options_section"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(current().shared, name)
