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


DOORWAYS = (FOLDER / "textual_inversion",)
"""Folders of such modules."""

ELSEWHERE = {("modules.interrogate", "InterrogateModels"): "modules.a1111.describing"}
"""Names that extensions look for in a package of the program's own, and where they stand."""


class WithNeighbours(ModuleType):
    """A module under a name of the original's; what it does not have itself may be the module of that name."""

    def __getattr__(self, name: str) -> Any:
        if (place := ELSEWHERE.get((self.__name__, name))) is not None:
            return getattr(importlib.import_module(place), name)
        for module in (f"{self.__name__}.{name}", f"modules.{name}"):
            if _is_module(module.removeprefix("modules.")):
                return importlib.import_module(module)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _is_module(name: str) -> bool:
    module, file = f"modules.{name}", FOLDER.joinpath(*name.split("."))
    doorway = file.with_suffix(".py").is_file() and file.parent in (FOLDER, *DOORWAYS)
    return all(part.isidentifier() for part in name.split(".")) and (doorway or module in PACKAGES or module in ALIASES)


def give_neighbours(name: str) -> None:
    """Let a module that an extension has imported be asked for those beside it."""
    module = sys.modules.get(name)
    known = (
        name in ("modules", "modules.textual_inversion")
        or _is_module(name.removeprefix("modules."))
        or any(name == each for each, _ in ELSEWHERE)
    )
    if known and type(module) is ModuleType:
        module.__class__ = WithNeighbours
