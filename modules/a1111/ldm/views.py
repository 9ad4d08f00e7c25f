"""Views of networks and layers: one for each, kept on the module that it stands for and so gone with it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from modules.a1111.current import current

NAME = "view of a1111"
"""Where a module of a network keeps its view, among its own attributes."""


def view_on(real: Any, kind: Callable[[Any], Any]) -> Any:
    """The view of `real`, made at the first call; it is restored when the extensions are unloaded."""
    found = vars(real).get(NAME)
    if found is None:
        found = vars(real)[NAME] = kind(real)
    views: weakref.WeakSet[Any] = current().extras.setdefault("network views", weakref.WeakSet())
    views.add(found)
    return found
