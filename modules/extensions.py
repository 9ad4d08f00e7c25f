"""Doorway: `modules.extensions`."""

from __future__ import annotations

from typing import Any

from modules.a1111.places import place
from modules.a1111.small_modules import InstalledExtension as Extension
from modules.a1111.small_modules import active
from modules.a1111.small_modules import extensions as installed

__all__ = ["Extension", "active", "list_extensions"]


def list_extensions() -> None:
    """Nothing: the list is always that of the folder."""


def __getattr__(name: str) -> Any:
    if name == "extensions":
        return installed()
    if name in ("extensions_dir", "extensions_builtin_dir"):
        return place(name)
    raise AttributeError(f"modules.extensions has no {name!r}.")
