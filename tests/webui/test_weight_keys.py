"""Ctrl+Up and Ctrl+Down on weights, Alt+Left and Alt+Right on tags: what they make of a text. | marks the selection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.webui.test_card_scripts import run

OPTIONS = {"attention": 0.1, "extra": 0.05, "delimiters": ".,\\/!?%^*;:{}=`~() \t\r\n", "move": True}


def marked(text: str) -> dict[str, Any]:
    before, _, rest = text.partition("|")
    inside, bar, after = rest.partition("|")
    if not bar:
        inside, after = "", rest
    return {"value": before + inside + after, "start": len(before), "end": len(before) + len(inside)}


def weighed(text: str, direction: int = 1, **options: Any) -> Any:
    arguments = ", ".join(json.dumps(each) for each in (marked(text), direction, {**OPTIONS, **options}))
    return run(f"return m.weighed({arguments})", "weights.js")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a r|ed cat", "a (|red|:1.1) cat"),
        ("a |red cat| here", "a (|red cat|:1.1) here"),
        ("a |red | cat", "a (|red|:1.1)  cat"),
        ("a (r|ed:1.1) cat", "a (|red|:1.2) cat"),
        ("a (r|ed) cat", "a (|red|:1.2) cat"),
        ("a (r|ed:0.9) cat", "a |red| cat"),
        ("(a (b:1.2) c|:1.3)", "(|a (b:1.2) c|:1.4)"),
        ("(a (b|:1.2) c:1.3)", "(a (|b|:1.3) c:1.3)"),
        (r"smile \(f|ace\)", r"smile \((|face|:1.1)\)"),
        ("(red :1.) | x", None),
        ("<lo|ra:film:1>", "<|lora:film|:1.05>"),
        ("<lora:fi|lm:1>", "<|lora:film|:1.05>"),
        ("<lora:film|>", "<|lora:film|:1.05>"),
        ("<lora:film:0.8:0|.5>", "<lora:film:0.8:|0.55|>"),
        ("<lora:fi|lm:te=0.5:unet=0.7>", "<|lora:film|:te=0.55:unet=0.7>"),
        ("<lora:film:te=0.5:unet=0|.7>", "<lora:film:te=0.5:unet=|0.75|>"),
        ("(<lora:fi|lm:1>:1.2)", "(<|lora:film|:1.05>:1.2)"),
        ("a [r|ed]", "a [(|red|:1.1)]"),
        ("(a |long| word:1.2)", "(a (|long|:1.1) word:1.2)"),
        ("(|a word|:1.2)", "(|a word|:1.3)"),
        ("|(a word:1.2)|", "(|a word|:1.3)"),
        ("  |  ", None),
    ],
)
def test_ctrl_up_raises_a_weight(text: str, expected: str | None) -> None:
    assert weighed(text) == (None if expected is None else marked(expected))


@pytest.mark.parametrize("text", ["a |red| cat", "<|lora:film|:1> x", "<lora:film:te=|0.5|>", "a (|red|:1.35) cat"])
@pytest.mark.parametrize("step", [0.1, 0.05, 0.013])
def test_down_takes_back_what_up_did(text: str, step: float) -> None:
    up = weighed(text, attention=step, extra=step)
    call = ", ".join(json.dumps(each) for each in (up, -1, {**OPTIONS, "attention": step, "extra": step}))
    assert run(f"return m.weighed({call})", "weights.js") == marked(text)


def test_the_settings_say_the_steps_and_where_words_end() -> None:
    assert weighed("a-r|ed cat")["value"] == "(a-red:1.1) cat"
    assert weighed("a-r|ed cat", delimiters="- ")["value"] == "a-(red:1.1) cat"
    assert weighed("a r|ed cat", delimiters="-")["value"] == "(a red cat:1.1)"
    assert weighed("r|ed", -1, attention=0.025)["value"] == "(red:0.975)"
    assert weighed("<lora:a|:1>", -1, extra=0.01)["value"] == "<lora:a:0.99>"


@pytest.mark.parametrize(
    ("text", "direction", "expected"),
    [
        ("a, b|b, c", 1, "a, c, |bb|"),
        ("a, b|b, c", -1, "|bb|, a, c"),
        ("a,b |x ,c", 1, "a,c ,|b x|"),
        ("a|, b", -1, None),
        ("a, b|", 1, None),
        ("a, |b, c|, d", 1, "a, d, |b, c|"),
        ("a, |b, c|, d", -1, "|b, c|, a, d"),
        ("(a, b:1.2), [x, y]|, z", -1, "|[x, y]|, (a, b:1.2), z"),
        ("<lora:a, b:1>, c|c", -1, "|cc|, <lora:a, b:1>"),
        ("one,\ntwo, th|ree", -1, "one,\n|three|, two"),
    ],
)
def test_alt_moves_tags_past_their_neighbour(text: str, direction: int, expected: str | None) -> None:
    got = run(f"return m.moved({json.dumps(marked(text))}, {direction})", "weights.js")
    assert got == (None if expected is None else marked(expected))
