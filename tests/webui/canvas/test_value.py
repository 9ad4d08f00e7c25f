"""What a canvas and the server tell each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import Forbidden, RequestError
from modules.webui.canvas.value import MOST_ADDED, CanvasValue, from_text, put_together, taken_apart, to_text

PATHS = st.text(st.characters(exclude_characters="/\\\x00", codec="utf-8"), min_size=1).map(
    lambda name: Path("/in") / name
)
SIDES = st.integers(0, MOST_ADDED)
VALUES = st.builds(
    CanvasValue,
    picture=PATHS,
    paint=st.none() | PATHS,
    soft=st.booleans(),
    frame=st.tuples(SIDES, SIDES, SIDES, SIDES),
)


def anything(path: Path) -> bool:
    return True


@given(VALUES)
def test_a_value_comes_back_as_it_went(value: CanvasValue) -> None:
    assert from_text(to_text(value), anything) == value


@given(VALUES)
def test_a_value_is_kept_in_parts(value: CanvasValue) -> None:
    told, files = taken_apart(value)
    assert put_together(json.loads(json.dumps(told)), files) == value


def test_nothing_and_a_path_are_values_too() -> None:
    assert from_text(to_text(None), anything) is None
    assert from_text(to_text("/in/a.png"), anything) == CanvasValue(picture=Path("/in/a.png"))
    assert put_together(None, {"picture": Path("/in/a.png")}) is None
    assert put_together({"soft": True}, {}) is None


@pytest.mark.parametrize("part", ["picture", "paint"])
def test_a_path_that_is_not_for_the_browser_is_refused(part: str) -> None:
    told = {"picture": "/in/a.png", part: "/etc/passwd"}
    with pytest.raises(Forbidden, match="passwd"):
        from_text(json.dumps(told), lambda path: path.parent == Path("/in"))


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", "{}", '{"picture": "a", "frame": [1, 2]}', '{"picture": "a", "frame": ["x", 0, 0, 0]}']
    + [json.dumps({"picture": "a", "frame": [side, 0, 0, 0]}) for side in (-1, MOST_ADDED + 1)],
)
def test_what_no_canvas_says_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        from_text(text, anything)
