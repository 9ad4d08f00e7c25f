"""Completion in a prompt: which word is being typed, and what becomes of the prompt. | marks the caret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.webui.test_card_scripts import run


def call(function: str, *arguments: Any) -> Any:
    given = ", ".join(json.dumps(each) for each in arguments)
    return run(f"return m.{function}({given})", "prompt/words.js")


def word_at(text: str) -> str | None:
    value = text.replace("|", "", 1)
    found = call("wordAt", value, text.index("|"))
    return None if found is None else found["word"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("lon|", "lon"),
        ("1girl, long ha|", "long ha"),
        ("1girl,\n  blue e|yes, x", "blue e"),
        ("(long ha|", "long ha"),
        ("((long ha|))", "long ha"),
        (r"lucy \(cy|", "lucy (cy"),
        ("a, <lo|", "<lo"),
        ("a, <lora:fi|", "<lora:fi"),
        ("<lora:film:1>, ca|", "ca"),
        ("a __col|", "__col"),
        ("a __clothes/su|", "__clothes/su"),
        ("__colour__ ca|", "__colour__ ca"),
        ("__@col|", "__col"),
        ("{2$$red|", "red"),
        ("{0.5::red|", "red"),
        ("[young:ol|", "ol"),
        ("c|", None),
        ("猫|", "猫"),
        ("a, |", None),
        ("(cat:1.2|", None),
        ("cat, 123|", None),
        ("re:zero|", "re:zero"),
        ("|", None),
        (f"{'words ' * 40}|", None),
        (f"{'words ' * 40}, ca|", "ca"),
    ],
)
def test_the_word_at_the_caret_is_found(text: str, word: str | None) -> None:
    assert word_at(text) == word


@pytest.mark.parametrize(
    ("text", "put", "comma", "expected"),
    [
        ("1girl, lon|", "long hair", True, "1girl, long hair, |"),
        ("1girl, lon|, x", "long hair", True, "1girl, long hair|, x"),
        ("1girl, lon| x", "long hair", True, "1girl, long hair, |x"),
        ("(lon|)", "long hair", True, "(long hair|)"),
        ("{a|lon|}", "long hair", True, "{a|long hair|}"),
        ("lon|gish", "long hair", True, "long hair, |"),
        ("a __co|", "__colour__", False, "a __colour__|"),
        ("<lora:fi|", "<lora:film:1>, grain", True, "<lora:film:1>, grain, |"),
    ],
)
def test_a_word_is_completed_with_a_comma_where_one_is_missing(text: str, put: str, comma: bool, expected: str) -> None:
    caret = text.rindex("|")
    value = text[:caret] + text[caret + 1 :]
    made = call("completed", value, call("wordAt", value, caret), put, comma)
    assert made["value"][: made["caret"]] + "|" + made["value"][made["caret"] :] == expected


def test_tools_work_on_whole_words_or_on_everything() -> None:
    assert call("chosenPart", "a, b c, d", 0, 0) == {"start": 0, "end": 9}
    assert call("chosenPart", "a, b c, d", 2, 7) == {"start": 3, "end": 7}
    assert call("withWords", "a, ", "b") == "a, b"
    assert call("withWords", "", "b") == "b"
    assert [call("short", each) for each in (999, 1234, 12345, 4_000_000)] == ["999", "1.2k", "12k", "4.0M"]
