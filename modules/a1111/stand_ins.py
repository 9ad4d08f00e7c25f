"""Modules that extensions import and that are not here: `ldm`, `sgm`, `k_diffusion`, and names of built-in extensions.

An import of a name gives a class of that name, so that importing alone never fails. Using one says what is missing.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import inspect
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

PACKAGES = ("ldm", "sgm", "k_diffusion")
"""Packages of the original's environment that Easel works without."""

ALIASES = {
    "lora": "modules.a1111.network_lists",
    "networks": "modules.a1111.network_lists",
    "modules.api.api": "modules.a1111.api_object",
    "modules.api.models": "modules.a1111.api_bodies",
}
"""Names under which modules of the dialect are found beside their own."""


class _Missing(type):
    """The class of names that stand for what is not here: asking anything of one says so."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(_sentence(f"{cls.__module__}.{cls.__name__}.{name}"))


def _sentence(what: str) -> str:
    return f"{what} is wanted by {_extension()}, and Easel has no {what.split('.', 1)[0]}: its networks are others."


def _extension() -> str:
    """The file of the extension whose code asks."""
    frame = inspect.currentframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if "importlib" not in file and not file.endswith(("stand_ins.py",)):
            return file
        frame = frame.f_back
    return "an extension"


class Stand(ModuleType):
    """A module without contents: every name is a class that says what is missing when it is made."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(self: object, *_: object, **__: object) -> None:
            raise NotImplementedError(_sentence(f"{type(self).__module__}.{type(self).__name__}"))

        made = _Missing(name, (), {"__module__": self.__name__, "__init__": refuse})
        setattr(self, name, made)
        return made


class StandInFinder:
    """Finds what is not here, after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A stand-in or the module behind another name, or none."""
        if fullname in ALIASES:
            return importlib.machinery.ModuleSpec(fullname, _AliasLoader(ALIASES[fullname]))
        if fullname.split(".", 1)[0] not in PACKAGES:
            return None
        return importlib.machinery.ModuleSpec(fullname, _StandInLoader(), is_package=True)


class _StandInLoader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Stand(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []


class _AliasLoader(importlib.abc.Loader):
    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(self._real)

    def exec_module(self, module: ModuleType) -> None:
        """Done when it was imported under its own name."""


def put(finder: StandInFinder) -> None:
    """Have such imports found."""
    sys.meta_path.append(finder)


def take_away(finder: StandInFinder) -> None:
    """Have them found no more."""
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    names: Sequence[str] = [name for name in tuple(sys.modules) if name in ALIASES or name.split(".", 1)[0] in PACKAGES]
    for name in names:
        sys.modules.pop(name, None)
