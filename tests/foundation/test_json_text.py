from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.json_text import MAX_DEPTH, MEGABYTE, MOST_HALVES, MOST_VALUES, parse_json, whole_text

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_what_was_written_is_read(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text) == value
    assert parse_json(text.encode()) == value


@given(st.text(alphabet='[]{}":,\\ud8001eE+-.', max_size=30) | st.binary(max_size=20))
def test_any_text_is_a_value_or_a_value_error(text: str | bytes) -> None:
    try:
        value = parse_json(text)
    except ValueError:
        return
    json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 600, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_deep_nesting_is_refused(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(ValueError, match="deep"):
        parse_json(opening * depth + "1" + closing * depth)


def test_brackets_in_texts_and_beside_each_other_are_no_nesting() -> None:
    value = [["["] * 200, {"a": "{" * 200}, [[]] * 200]
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "whole"), [("a\ud800", "a\ufffd"), ("\udc00\ud800b", "\ufffd\ufffdb"), ("\ud83d\ude00", "\U0001f600")]
)
def test_halves_of_characters_become_whole_ones(text: str, whole: str) -> None:
    assert whole_text(text) == whole
    assert parse_json(json.dumps({text: [text]})) == {whole: [whole]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" + "1," * (MOST_VALUES + 1) + "1]", "values"),
        ("[" + "1," * MEGABYTE + "9" * 4000 + "]", "digits"),
        ('["' + "a" * (MEGABYTE - 10) + '", ' + "9" * 30 + "]", "digits"),
        ('["' + "\\ud800" * (MOST_HALVES + 1) + '"]', "emoji"),
    ],
)
def test_what_would_hold_the_interpreter_is_refused_unread(text: str, why: str) -> None:
    for form in (text, text.encode()):
        with pytest.raises(ValueError, match=why):
            parse_json(form)


def test_long_numbers_and_emoji_in_texts_are_no_reason_to_refuse() -> None:
    value = {
        "hash": "1" * 64,
        "words": "\N{GRINNING FACE}" * 1000,
        "image": "a" * 2 * MEGABYTE,
        "id": "a, b" + "2" * 40,
    }
    assert parse_json(json.dumps(value)) == value
