"""Functions that extensions replace: looked up where extensions see them, when they are called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from modules.a1111.types import ExtensionFunction

_ORIGINALS: dict[tuple[str, str, str], ExtensionFunction] = {}


def originals() -> dict[tuple[str, str, str], ExtensionFunction]:
    """What was replaced with `patch`, by (key, module or class, name)."""
    return _ORIGINALS


def patch(key: str, obj: object, field: str, replacement: ExtensionFunction) -> ExtensionFunction:
    """Put `replacement` in the place of `obj.field` in the name of `key`; what stood there.

    Raises RuntimeError where `key` has replaced it already.
    """
    place = (key, _name_of(obj), field)
    if place in _ORIGINALS:
        raise RuntimeError(f"{field} of {place[1]} is already patched by {key}.")
    _ORIGINALS[place] = getattr(obj, field)
    setattr(obj, field, replacement)
    return _ORIGINALS[place]


def undo(key: str, obj: object, field: str) -> None:
    """Put back what `key` has replaced. Raises RuntimeError where it has not."""
    place = (key, _name_of(obj), field)
    if place not in _ORIGINALS:
        raise RuntimeError(f"There is no patch of {field} of {place[1]} by {key}.")
    setattr(obj, field, _ORIGINALS.pop(place))


def original(key: str, obj: object, field: str) -> ExtensionFunction | None:
    """What stood in the place of `obj.field` before `key` replaced it; None where it has not."""
    return _ORIGINALS.get((key, _name_of(obj), field))


def _name_of(obj: object) -> str:
    return str(getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or id(obj))


def replaced(doorway: str, name: str, own: ExtensionFunction) -> ExtensionFunction | None:
    """What an extension has put in the place of `own` in a doorway module; None where it is as it was."""
    module = sys.modules.get(doorway)
    found = None if module is None else getattr(module, name, None)
    return None if found is None or found is own else found


def looked_up(doorway: str, name: str) -> Any:
    """What stands under `name` in a doorway module now."""
    return getattr(importlib.import_module(doorway), name)
