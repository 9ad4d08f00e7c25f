"""Doorway: `modules.localization`."""

from __future__ import annotations

from typing import Any

from modules.a1111.small_modules import localizations


def __getattr__(name: str) -> Any:
    if name == "localizations":
        return localizations()
    raise AttributeError(f"modules.localization has no {name!r}.")
