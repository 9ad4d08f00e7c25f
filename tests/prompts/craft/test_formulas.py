"""The formulas of the guides, with the figures that stand there."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.errors import RequestError
from modules.prompts.attention import parse_attention
from modules.prompts.craft.cost import novelai_cost
from modules.prompts.craft.sizes import largest_size
from modules.prompts.craft.tag_list import deduplicated, sorted_tags, split_tags, tag_key, unweighted
from modules.prompts.craft.weights import at_weight, number, step_weight, to_a1111, to_novelai

TEXTS = st.text("ab {}[]()\\:,.1|_", max_size=40)


def test_prices_are_novelais() -> None:
    assert novelai_cost(832, 1216, 28) == 20
    assert novelai_cost(1024, 1024, 28) == 20
    assert novelai_cost(1472, 1472, 28) == 42
    assert novelai_cost(1024, 1024, 28, smea="SMEA") == 24
    assert novelai_cost(1024, 1024, 28, smea="SMEA DYN") == 28
    assert novelai_cost(1024, 1024, 28, strength=0.5) == 10
    assert novelai_cost(64, 64, 1) == 2
    assert novelai_cost(1024, 1024, 28, strength=0.01, undesired_strength=1.3) == 3
    assert novelai_cost(1024, 1024, 28, undesired_strength=1.3) == 26
    assert novelai_cost(512, 512, 28, generation="V1") == 3
    assert novelai_cost(1024, 1024, 28, generation="V2") == 14
    with pytest.raises(RequestError, match="1,048,576"):
        novelai_cost(1025, 1024, 28, generation="V1")


@given(st.integers(1, 500), st.integers(64, 4096))
def test_a_price_grows_with_steps_and_is_a_whole_number(steps: int, side: int) -> None:
    prices = [novelai_cost(side, side, each) for each in (steps, steps + 1, steps * 2)]
    assert all(isinstance(price, int) and price >= 2 for price in prices)
    assert all(low <= high for low, high in pairwise(prices))


def test_the_aspect_tool_finds_the_largest_size() -> None:
    assert largest_size(4, 3, 512 * 512) == (576, 384)
    assert largest_size(16, 9, 512 * 512) == (640, 384)
    assert largest_size(1, 1, 512 * 512) == (512, 512)
    assert largest_size(9, 16, 512 * 512) == (384, 640)
    with pytest.raises(RequestError, match="down"):
        largest_size(4, 0)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(64 * 64, 2048 * 2048), st.sampled_from([8, 32, 64]))
def test_a_size_lies_within_its_area_and_on_its_steps(across: int, down: int, area: int, step: int) -> None:
    width, height = largest_size(across, down, area, step=step)
    assert width % step == height % step == 0
    if min(width, height) > step:
        assert width * height <= area
        assert (width + step) ** 2 * down > area * across
        assert (height + step) ** 2 * across > area * down


def test_emphasis_of_novelai_is_a_stream() -> None:
    assert parse_attention("{blue eyes, black hair", "NovelAI") == [("blue eyes, black hair", 1.05)]
    assert parse_attention("]blue eyes, black hair", "NovelAI") == [("blue eyes, black hair", 1.05)]
    assert parse_attention("a {{b} c} [d] e", "NovelAI") == [
        ("a ", 1.0),
        ("b", 1.05**2),
        (" c", 1.05),
        (" ", 1.0),
        ("d", 1 / 1.05),
        (" e", 1.0),
    ]


def test_the_step_tool_writes_a_list_at_one_weight() -> None:
    assert [step_weight(amount) for amount in (0.9, -2, -6)] == [0.9, 0.826, 0.564]
    assert at_weight("lowres, text", 0.9) == "(lowres:0.9), (text:0.9)"
    assert at_weight("lowres, text", -2) == "(lowres:0.826), (text:0.826)"
    assert at_weight("lowres, text", -2, form="brackets") == "[[lowres]], [[text]]"
    assert at_weight("lowres, text", 2, form="brackets", each=False) == "((lowres, text))"
    assert at_weight("((lowres)), [text], (x:1.3)", 0.5) == "(lowres:0.5), (text:0.5), (x:0.5)"
    assert at_weight("(a:1.2), b", 1) == "a, b"
    assert at_weight("<lora:x:1>, a", 0.5) == "<lora:x:1>, (a:0.5)"


def test_brackets_are_carried_over() -> None:
    assert to_a1111("{best quality, amazing quality}") == "(best quality, amazing quality:1.05)"
    assert to_a1111("nsfw, {{worst quality}}, [displeasing], impact (font)") == (
        r"nsfw, (worst quality:1.1025), (displeasing:0.9523809524), impact \(font\)"
    )
    assert to_novelai("(a:1.1025), [[b]], c {d}") == r"{{a}}, [[[[b]]]], c \{d\}"


@given(TEXTS)
def test_weights_stay_when_brackets_are_carried_over(prompt: str) -> None:
    theirs = parse_attention(prompt, "NovelAI")
    ours = parse_attention(to_a1111(prompt), "A1111")
    assert _flat(ours) == pytest.approx(_flat(theirs), abs=1e-9)
    back = parse_attention(to_novelai(to_a1111(prompt)), "NovelAI")
    assert _flat(back) == pytest.approx(_flat(theirs), abs=1e-9)


def _flat(pieces: list[tuple[str, float]]) -> dict[tuple[int, str], float]:
    """Each character, by its place, with its weight."""
    return dict(enumerate_characters(pieces))


def enumerate_characters(pieces: list[tuple[str, float]]) -> list[tuple[tuple[int, str], float]]:
    characters = [(each, weight) for piece, weight in pieces for each in piece]
    return [((index, each), weight) for index, (each, weight) in enumerate(characters)]


def test_numbers_are_typed_without_zeros_and_exponents() -> None:
    assert [number(each) for each in (1.0, 1.05, 1e-7, 20.5)] == ["1", "1.05", "0.0000001", "20.5"]


def test_a_prompt_is_a_list_of_tags() -> None:
    prompt = r"a, (b, c:1.2), [d|e], <lora:x:1>, f\, g, (open, h,, i "
    assert [tag.text for tag in split_tags(prompt)] == [
        "a", "(b, c:1.2)", "[d|e]", "<lora:x:1>", r"f\, g", "(open", "h", "i",
    ]  # fmt: skip
    assert all(prompt[tag.start : tag.end] == tag.text for tag in split_tags(prompt))
    assert unweighted("((long hair:1.2))") == "long hair"
    assert unweighted("(a) (b)") == "(a) (b)"
    assert tag_key(r"(Lucy_\(Cyberpunk\):1.2)") == "lucy (cyberpunk)"
    assert tag_key("^_^") == "^_^"


def test_what_is_there_twice_goes() -> None:
    assert deduplicated("a, B, (a:1.2), bc_d, bc d") == "a, B, bc_d"
    assert deduplicated("long hair, very long hair, hair", implied=True) == "very long hair"
    assert sorted_tags("trigger, c, (B:1.1), a", keep_first=1) == "trigger, a, (B:1.1), c"


@given(TEXTS)
def test_taking_out_what_is_there_twice_is_done_at_once(prompt: str) -> None:
    once = deduplicated(prompt)
    assert deduplicated(once) == once
    assert sorted(tag.key for tag in split_tags(once)) == sorted({tag.key for tag in split_tags(prompt)})
