"""All combinations of templates drawn by chance from the shared syntax, beside what dynamicprompts 0.31 made of them.

`data/dynamicprompts.json` has the wildcards, and each template with its prompts, every prompt once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.wildcards.conftest import Pantry

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("data").joinpath("dynamicprompts.json").read_text(encoding="utf-8")
)

SAME_TWICE = "{-2$$"
"""Where several are drawn from wildcards that share values, ours may have one of them twice; see the documentation."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Pantry:
    pantry = Pantry(tmp_path_factory.mktemp("recorded") / "wildcards")
    for name, content in RECORDED["files"].items():
        pantry.put(name, content)
    return pantry


@pytest.mark.parametrize(("template", "prompts"), RECORDED["rows"], ids=[row[0] for row in RECORDED["rows"]])
def test_combinations_are_those_of_dynamicprompts(recorded: Pantry, template: str, prompts: list[str]) -> None:
    made = list(dict.fromkeys(recorded.all(template, 5000)))
    assert set(prompts) <= set(made)
    if SAME_TWICE not in template:
        assert sorted(made) == sorted(prompts)


@given(st.data())
def test_prompts_by_chance_are_among_all_combinations(recorded: Pantry, data: st.DataObject) -> None:
    template, prompts = data.draw(st.sampled_from(RECORDED["rows"]))
    if SAME_TWICE not in template:
        seed = data.draw(st.integers(0, 2**63))
        assert recorded.expander().expand(template, seed).text in prompts


def test_an_empty_one_of_several_leaves_no_comma_over(recorded: Pantry) -> None:
    assert set(recorded.all("{2$$a|b|}")) == {"a,b", "b,a", "a", "b"}
    assert set(recorded.all("{2$$ and $$a|}")) == {"a"}
    assert set(recorded.some("x {0-2$$a|}", 50)) <= {"x ", "x a"}
