"""Importing gradio in two thirds of its time."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Generator
from typing import Any


def import_gradio() -> None:
    """Import gradio without its writing of type stubs.

    At every import gradio parses the source of each of its components, works out a .pyi file and compares it with the
    one beside the source: a second of processor time, for editors alone. It leaves that out for components whose
    source cannot be found, and that is what it is told here, for its own components and while the import lasts.
    """
    with _no_source_for("gradio."):
        importlib.import_module("gradio")


@contextlib.contextmanager
def _no_source_for(prefix: str) -> Generator[None]:
    original = inspect.getfile

    def getfile(thing: Any) -> str:
        if isinstance(thing, type) and thing.__module__.startswith(prefix):
            raise OSError("the source is not looked for")
        return original(thing)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = original
