"""Modules beside a module: the original's hold those that they import, and extensions take them from there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from modules.a1111.stand_ins import ALIASES, PACKAGES

FOLDER = Path(__file__).parents[1]
"""Where the modules lie that extensions import by the original's names."""


ELSEWHERE = {("modules.interrogate", "InterrogateModels"): "modules.a1111.describing"}
"""Names that extensions look for in a package of the program's own, and where they stand."""


OF_SHARED = frozenset({"opts", "cmd_opts", "state"})
"""Names of `modules.shared` that nearly every module of the original imports, and extensions take from any of them."""


class WithNeighbours(ModuleType):
    """A module under a name of the original's; what it does not have itself may be the module of that name."""

    def __getattr__(self, name: str) -> Any:
        if (place := ELSEWHERE.get((self.__name__, name))) is not None:
            return getattr(importlib.import_module(place), name)
        if name in OF_SHARED and self.__name__ != "modules":
            return getattr(importlib.import_module("modules.shared"), name)
        if not _is_module(name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return importlib.import_module(f"modules.{name}")


def _is_module(name: str) -> bool:
    module = f"modules.{name}"
    return name.isidentifier() and ((FOLDER / f"{name}.py").is_file() or module in PACKAGES or module in ALIASES)


def give_neighbours(name: str) -> None:
    """Let a module that an extension has imported be asked for those beside it."""
    module = sys.modules.get(name)
    known = name == "modules" or _is_module(name.removeprefix("modules.")) or any(name == each for each, _ in ELSEWHERE)
    if known and type(module) is ModuleType:
        module.__class__ = WithNeighbours
