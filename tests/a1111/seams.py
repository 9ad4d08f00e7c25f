"""Real runs of one application, for tests of what extensions hang into sampling."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.a1111.conftest import Stage

ALWAYS = """
from modules import scripts

class Here(scripts.Script):
    blend = None
    def title(self): return "Here"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def on_mask_blend(self, p, mba, *args):
        if Here.blend is not None:
            Here.blend(mba)
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("seams")
    made = Stage(folder, {"always.py": ALWAYS})
    yield made
    made.close()


@contextlib.contextmanager
def listening(here: Stage, moment: str, function: Callable[..., Any]) -> Generator[None]:
    callbacks = here.dialect.callbacks
    callbacks.add(moment, function)
    try:
        yield
    finally:
        callbacks.remove_function(function)


def pixels(here: Stage, **asked: Any) -> Any:
    return numpy.asarray(here.make(**asked).samples[0].image).astype(int)


def alike(one: Any, other: Any) -> bool:
    return bool(numpy.abs(one - other).max() <= 1)
