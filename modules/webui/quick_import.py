"""Importing gradio in a third of its time, and what makes a page of many components quick to build."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import ssl
import sys
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Any

import jinja2


def import_gradio() -> None:
    """Import gradio without the work it does at every import that is not needed here.

    * Type stubs: it parses the source of each of its components, works out a .pyi file and compares it with the one
      beside the source, a second of processor time, for editors alone. It leaves that out for components whose source
      cannot be found; here it finds none of its own components' source while the import lasts.
    * pandas, a fifth of a second, for tables and plots, which the page has none of.
    * The help texts of events are templates; each is compiled once instead of once for every component.
    * The clients with which it would ask other machines read the list of certificates once instead of each again.
    """
    if "gradio" in sys.modules:
        return
    with (
        no_source_for("gradio."),
        _imported_when_used("pandas"),
        _replaced(jinja2.Environment, "compile", _once_each),
        _replaced(ssl, "create_default_context", _once_each),
    ):
        importlib.import_module("gradio")
    _note_signatures()


@contextlib.contextmanager
def no_source_for(prefix: str) -> Generator[None]:
    """While the block lasts, classes of modules with this prefix have no source that can be found."""
    original = inspect.getfile

    def getfile(subject: Any) -> str:
        if isinstance(subject, type) and subject.__module__.startswith(prefix):
            raise OSError("the source is not looked for")
        return original(subject)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = original


class _WhenUsed(ModuleType):
    """In place of a module where it was imported; it imports the module when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def _imported_when_used(name: str) -> Generator[None]:
    """While the block lasts, `import name` gives a module that is imported in earnest when it is used."""
    if name in sys.modules:
        yield
        return
    stand_in = sys.modules[name] = _WhenUsed(name)
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


@contextlib.contextmanager
def _replaced(owner: object, name: str, change: Callable[[Any], Any]) -> Generator[None]:
    original = getattr(owner, name)
    setattr(owner, name, change(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def _once_each(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with its answers remembered."""
    return functools.cache(function)


def _note_signatures() -> None:
    """Note at the constructors of components what their arguments are.

    gradio asks `inspect.signature` for it whenever it makes one of them or describes it for the page, some ten thousand
    times in all; with a note, which is `inspect`'s own device, the answer is there.
    """
    from gradio.blocks import Block

    def note(kind: type) -> None:
        constructor = vars(kind).get("__init__")
        for function in (constructor, getattr(constructor, "__wrapped__", None)):
            if inspect.isfunction(function):
                function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        for derived in kind.__subclasses__():
            note(derived)

    note(Block)
