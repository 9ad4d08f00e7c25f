"""The file that is shipped: small, complete, and its pictures show what was typed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from safetensors import safe_open

from starter_model.engine import Maker, maker
from starter_model.evaluate import bar_prompts, score
from starter_model.export import LIMIT_BYTES
from starter_model.judge import judge
from starter_model.networks import ModelShape
from tests.starter_model.test_export import SHIPPED


@pytest.fixture(scope="module")
def make() -> Iterator[Maker]:
    with maker(SHIPPED) as made:
        yield made


def test_the_file_is_small_and_says_what_it_is() -> None:
    assert SHIPPED.stat().st_size <= LIMIT_BYTES
    with safe_open(SHIPPED, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["easel.architecture"]) == ModelShape().architecture()
    assert metadata["modelspec.license"] == "Apache-2.0"
    assert metadata["modelspec.title"] == "Easel starter"
    assert "256" in metadata["modelspec.description"]


def test_pictures_show_the_colours_and_shapes_of_prompts_that_were_never_trained(make: Maker) -> None:
    asked = bar_prompts(8)
    made = make.make([prompt for _, prompt in asked], range(1000, 1008))
    figures = score(made, [triple for triple, _ in asked])
    assert figures["both_colours"] == 1.0, figures["wrong"]
    assert figures["shape"] >= 6 / 8, figures["wrong"]


def test_another_seed_gives_another_picture_and_the_same_seed_the_same(make: Maker) -> None:
    first, again, other = make.make(["a blue star on a white background"] * 3, [1, 1, 2])
    assert (first == again).all()
    assert (first != other).any()
    assert judge(other).colour == "blue"
