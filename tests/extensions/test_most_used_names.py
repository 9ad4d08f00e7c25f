"""The names that extensions use most, as counted in 134 of them: each is there, and what an object has, it has."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.a1111.conftest import Stage

NAMES: list[str] = json.loads(Path(__file__).with_name("most_used_names.json").read_text(encoding="utf-8"))

OBJECTS = {
    "p": "processing.StableDiffusionProcessingTxt2Img processing.StableDiffusionProcessingImg2Img",
    "pp": "scripts.PostprocessImageArgs scripts.PostprocessBatchListArgs",
    "Script": "scripts.Script",
    "OptionInfo": "shared.OptionInfo",
    "CFGDenoiserParams": "script_callbacks.CFGDenoiserParams",
    "ImageSaveParams": "script_callbacks.ImageSaveParams",
}
"""How the census calls objects, and their classes."""

ARGUMENTS = {
    "PostprocessImageArgs": ("image",),
    "PostprocessBatchListArgs": (["image"],),
    "CFGDenoiserParams": ("x", "image_cond", "sigma", 1, 2, "text_cond", "text_uncond", "denoiser"),
    "ImageSaveParams": ("image", "p", "name.png", {}),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("names"), {"none.py": "from modules import scripts\n"})
    made.make()  # a model is loaded
    yield made
    made.close()


def in_module(name: str) -> tuple[Any, list[str]]:
    """The module in which a name lies, below `modules` or by itself, and what is left of the name."""
    parts = name.split(".")
    for package in ("modules.", ""):
        for count in range(len(parts), 0, -1):
            try:
                return importlib.import_module(package + ".".join(parts[:count])), parts[count:]
            except ImportError:
                continue
    raise AssertionError(f"{name} lies in no module")


def attribute(place: Any, names: list[str]) -> Any:
    for name in names:
        place = getattr(place, name)
    return place


def found(name: str) -> Any:
    return attribute(*in_module(name))


def objects_of(here: Stage, head: str) -> list[Any]:
    """Objects of the classes that the census calls `head`."""
    if head == "processed":
        return [found("processing.Processed")(found("processing.StableDiffusionProcessingTxt2Img")(), [], 1, "")]
    kinds = [found(each) for each in OBJECTS.get(head, "").split()]
    objects = [kind(*ARGUMENTS.get(kind.__name__, ())) for kind in kinds]
    for each in objects if head == "p" else ():
        each.scripts = here.dialect.scripts_txt2img
    return objects


def is_there(here: Stage, name: str) -> bool:
    head, *rest = name.split(".")
    places = objects_of(here, head)
    names = [each for each in rest if each != "self"]
    if not places:
        place, names = in_module(name)
        places = [place]
    for place in places:
        with contextlib.suppress(AttributeError):
            attribute(place, names)
            return True
    return False


def test_every_name_is_there(here: Stage) -> None:
    assert [name for name in NAMES if not is_there(here, name)] == []
