"""Values are counted as JSON has them, in whichever pieces it comes."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from modules.api.guards.json_values import (
    MOST_BESIDE,
    MOST_DEEP,
    MOST_ESCAPED,
    MOST_FOREIGN,
    MOST_IN_WORDS,
    MOST_VALUES,
    JsonMeter,
)
from tests.api.conftest import Served

TEXTS = st.text(alphabet='a,[{}]:"\\\né\x00', max_size=12)
JSON = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def marks_in(value: Any) -> int:
    """The opening brackets and commas that JSON writes for `value`."""
    if isinstance(value, dict):
        value = list(value.values())
    elif not isinstance(value, list):
        return 0
    return 1 + max(len(value) - 1, 0) + sum(map(marks_in, value))


@hypothesis.given(JSON, st.lists(st.integers(0, 300), max_size=5))
def test_what_stands_in_texts_does_not_count_however_a_body_is_cut(value: Any, cuts: list[int]) -> None:
    body = json.dumps(value).encode()
    meter = JsonMeter()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(body)], strict=True):
        meter.add(body[start:end])
    assert meter.values == marks_in(value)
    assert meter.beside <= len(body) + len(cuts)
    assert meter.excess is None


def test_a_body_of_very_many_values_is_refused_unread_and_a_long_text_is_not(served: Served) -> None:
    many = b'{"prompt": "a", "x": [' + b"1," * MOST_VALUES + b"1]}"
    for route in ("/sdapi/v1/txt2img", "/api/v1/jobs/txt2img", "/v1/images/generations", "/sdapi/v1/options"):
        answer = served.client.post(route, content=many, headers={"content-type": "application/json"})
        assert answer.status_code == 413, route
        assert "values" in answer.text
    commas = served.txt2img(prompt="a", comments={"long": "," * 2 * MOST_VALUES}, steps=1)
    assert commas.status_code == 200


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (b"[" + b"1" * 4000 + b" ", "beside"),
        (b" " * 4000, "beside"),
        (b'"' + b"\\ud800" * 1000 + b'"', "uXXXX"),
        (b'"' + "\N{GRINNING FACE}".encode() * 1000 + b'"', "ASCII"),
        (b"\xff" * 4000, "more than"),
        (b'"' + b"\\n" * 2000 + b'"', "backslashes"),
        (b'"' + b"\\\\" * 2000 + b'"', "backslashes"),
    ],
)
def test_what_would_hold_the_interpreter_is_too_much(piece: bytes, words: str) -> None:
    meter = JsonMeter()
    for _ in range(max(MOST_BESIDE, MOST_FOREIGN) // 4000 + MOST_ESCAPED // 1000):
        meter.add(piece)
    assert words in str(meter.excess)


@pytest.mark.parametrize(("opening", "levels"), [(b"[", 1), (b'{"a":', 1), (b'[{"a":[', 3), (b'["[",{"a]":', 2)])
def test_how_deep_it_is_nested_is_measured(opening: bytes, levels: int) -> None:
    meter = JsonMeter()
    for _ in range(MOST_DEEP // levels):
        meter.add(opening)
    meter.add(b"]}" * 2 + b"[{" * 2)
    assert meter.too_deep is None
    meter.add(opening * 2)
    assert "deep" in str(meter.too_deep)


@pytest.mark.parametrize(
    "text", ["a" * 4000, ("a" * 76 + "\\n") * 50, ("a" * 63 + "\\/") * 60, "1" * 4000, ",[{}]" * 800]
)
def test_a_long_plain_text_is_not(text: str) -> None:
    meter = JsonMeter()
    meter.add(b'{"image": "')
    for _ in range(5000):
        meter.add(text.encode())
    meter.add(b'"}')
    assert (meter.excess, meter.values) == (None, 1)


def test_what_is_read_ahead_of_the_routes_is_refused_too(served: Served) -> None:
    short = b'{"prompt": "a", "x": ' + b"[" * 300 + b"]" * 300 + b"}"
    for route in ("/api/v1/jobs/txt2img", "/internal/progress", "/sdapi/v1/txt2img"):
        answer = served.client.post(route, content=short, headers={"content-type": "application/json"})
        assert answer.status_code == 422, route
        assert "deep" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("\N{GRINNING FACE}", True),
        ("\\ud83d", True),
        ("\\u00e9", True),
        ("\\u002b", False),
        ("\\u003D", False),
        ("+", False),
    ],
)
@pytest.mark.parametrize("place", [0, 1000, None])
def test_a_long_text_with_a_word_in_it_is_too_much_and_one_beside_it_is_not(
    mark: str, words: bool, place: int | None
) -> None:
    meter = JsonMeter()
    meter.add(b'{"image": "')
    for number in range(MOST_IN_WORDS // 4000 + 10):
        meter.add(b"a" * 4000 + (mark.encode() if number == place else b""))
    meter.add(b'", "prompt": "' + mark.encode() + b'"}')
    assert (meter.excess is not None) == (words and place is not None)
