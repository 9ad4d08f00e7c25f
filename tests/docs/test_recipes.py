"""The recipes of CONTRIBUTING.md, followed word by word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from modules.api.server import create_api
from modules.application.application import Application
from modules.networks.kinds import kind_of, weight_change
from tests.pipeline.conftest import Studio

OWNER = "my plug-in"
TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def recipe(title: str) -> Callable[[Application], None]:
    """The function `register` of a recipe, which is run as it stands."""
    section = TEXT.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {"__name__": "my_plug_in"}
    exec(compile(code, f"CONTRIBUTING.md, {title}", "exec"), names)
    return names["register"]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.application.close()


@pytest.fixture
def app(studio: Studio) -> Iterator[Application]:
    yield studio.application
    studio.application.remove_owner(OWNER)
    assert not any(point.failures for point in studio.application.hooks.all())


def _pixels(studio: Studio, **asked: object) -> np.ndarray:
    return np.asarray(studio.make(save_images=False, steps=4, **asked).samples[0].image, dtype=np.int32)


def test_the_sampler_is_listed_and_makes_pictures_of_its_own(studio: Studio, app: Application) -> None:
    recipe("A sampler")(app)
    listed = TestClient(create_api(app)).get("/sdapi/v1/samplers").json()
    assert listed[-1]["name"] == "Damped"
    assert not np.array_equal(_pixels(studio, sampler="damped"), _pixels(studio, sampler="Euler"))
    assert "Sampler: Damped" in studio.make(sampler="Damped", save_images=False).samples[0].infotext


def test_the_kind_of_network_changes_weights(app: Application) -> None:
    recipe("A kind of network")(app)
    kind = kind_of(frozenset({"row_scale"}))
    assert kind is not None
    weight = torch.arange(6.0).reshape(2, 3)
    change = weight_change(kind, weight, {"row_scale": torch.tensor([2.0, 0.0])})
    assert torch.equal(weight + change, weight * torch.tensor([[2.0], [0.0]]))


def test_the_setting_is_served_changes_pictures_and_stands_in_their_text(studio: Studio, app: Application) -> None:
    before = _pixels(studio)
    recipe("A setting")(app)
    assert np.array_equal(_pixels(studio), before)
    client = TestClient(create_api(app))
    assert client.post("/sdapi/v1/options", json={"glow_amount": 1.5}).status_code == 200
    assert client.get("/sdapi/v1/options").json()["glow_amount"] == 1.5
    brighter = studio.make(save_images=False, steps=4).samples[0]
    assert np.asarray(brighter.image).mean() > before.mean() * 1.2
    assert "Glow: 1.5" in brighter.infotext
    app.remove_owner(OWNER)
    assert np.array_equal(_pixels(studio), before)


def test_the_route_answers(app: Application) -> None:
    recipe("A route")(app)
    client = TestClient(create_api(app))
    assert client.get("/my-plug-in/waiting").json() == 0
    app.remove_owner(OWNER)
    assert TestClient(create_api(app)).get("/my-plug-in/waiting").status_code == 404


@pytest.mark.parametrize("title", re.findall(r"^### (A .*)$", TEXT, re.MULTILINE))
def test_every_file_that_a_recipe_names_is_there(title: str) -> None:
    root = Path(__file__).parents[2]
    section = TEXT.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]
    named = re.findall(r"`((?:modules|tests|docs|examples)/[^`\s]+)`", section)
    assert named
    for path in named:
        assert (root / path).exists(), path
