import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark import Lark, Token, Tree
from lark.exceptions import LarkError

from modules.foundation.errors import RequestError
from modules.prompts.composition import count_parts, split_and
from modules.prompts.editing import parse_schedule
from modules.prompts.length import MOST_PARTS, MOST_SCHEDULED

TABLE = json.loads((Path(__file__).parents[1] / "parity/tables/editing.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "row",
    TABLE["schedules"],
    ids=[f"{row['text']!r} {row['steps']} {row['hires_steps']}" for row in TABLE["schedules"]],
)
def test_a_text_is_scheduled_as_recorded(row: dict):
    schedule = parse_schedule(
        row["text"], row["steps"], hires_steps=row["hires_steps"], old_scheduling=row["old_scheduling"]
    )
    assert [list(entry) for entry in schedule] == row["schedule"]


@pytest.mark.parametrize("row", TABLE["AND"], ids=[repr(row["text"]) for row in TABLE["AND"]])
def test_a_text_is_split_at_and_as_recorded(row: dict):
    assert [list(part) for part in split_and(row["text"])] == row["parts"]


@given(st.text(alphabet="AND :.12+-ab\n") | st.text())
def test_any_text_can_be_split_at_and(text: str):
    assert split_and(text)


@given(st.text(alphabet="AND :.12+-ab\n") | st.text())
def test_parts_are_counted_as_they_are_split(text: str):
    assert count_parts(text) == len(split_and(text))


def test_there_is_an_end_to_the_parts_of_a_prompt():
    assert len(split_and(" AND ".join("a" * MOST_PARTS))) == MOST_PARTS
    with pytest.raises(RequestError, match=r"257 parts joined by AND; the most is 256"):
        split_and(" AND ".join("a" * (MOST_PARTS + 1)))


def test_a_text_may_be_long_and_may_change_often_but_not_both():
    assert len(parse_schedule("[a|b]" + "c " * 1000, 1000)) == 1000
    assert len(parse_schedule("[a:b:1]" + "c " * 49_000, 1000)) == 2
    with pytest.raises(RequestError, match=r"changes at 1,000 steps"):
        parse_schedule("[a|b]" + "c" * (MOST_SCHEDULED // 1000), 1000)


WORDS = [*"[]():|\\ \nab150.-e", "0.5", ":3]", "[a:", "[a|b]", ":0.5]"]
SYNTAX = st.lists(st.sampled_from(WORDS), max_size=30).map("".join)


@given(SYNTAX | st.text(), st.integers(1, 40), st.none() | st.integers(1, 40), st.booleans())
def test_any_text_has_a_schedule_that_rises_to_the_last_step(text: str, steps: int, hires: int | None, old: bool):
    schedule = parse_schedule(text, steps, hires_steps=hires, old_scheduling=old)
    untils = [entry.until_step for entry in schedule]
    assert untils == sorted(set(untils))
    assert untils[0] >= 1
    assert untils[-1] == (steps if hires is None or old else hires)


@given(st.text(alphabet="ab ,é日"), st.integers(1, 30))
def test_text_without_brackets_holds_for_all_steps(text: str, steps: int):
    assert parse_schedule(text, steps) == [(steps, text)]


@pytest.mark.parametrize(
    "text", ["[a:b:5", "a | b [c:d:5]", "(a|b) [c:d:5]", "[c:d:5] \\", "[a:b:1e999]", "[a|b [c:d:3]"]
)
def test_text_without_a_reading_is_taken_literally(text: str):
    assert parse_schedule(text, 10) == [(10, text)]


def test_deep_nesting_is_read_without_recursion():
    text = "[" * 3000 + "a" + ":b:5]" * 3000
    assert parse_schedule(text, 10)[-1] == (10, "b")
    assert parse_schedule("[" * 3000, 10) == [(10, "[" * 3000)]


# The grammar of the module's docstring, with brackets and colons allowed as characters at the outside. It says the same
# as the one-pass reader but is read by a general parser that tries every reading, which is too slow for long prompts.
GRAMMAR = Lark(
    r"""
    start: (prompt | STRAY)*
    prompt: (emphasis | schedule | alternation | TEXT)*
    !emphasis: "(" prompt ")" | "(" prompt ":" prompt ")" | "[" prompt "]"
    schedule: "[" (prompt ":")? prompt ":" WHEN "]"
    alternation: "[" prompt ("|" prompt)+ "]"
    STRAY: /[][():]/
    TEXT: /([^\\\[\]():|]|\\.)/
    WHEN: /\s*[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?\s*/
    """,
    parser="earley",
    ambiguity="explicit",
)


def readings(node: Tree | Token) -> int:
    """A measure of how much of a text was read as groups: a tree's number of groups, the best of several trees."""
    if isinstance(node, Token):
        return 0
    counts = [readings(child) for child in node.children]
    if node.data == "_ambig":
        return max(counts)
    return sum(counts) + (node.data in ("schedule", "alternation"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*"[]():|\\ab", ":3]", "[a:"]), max_size=9).map("".join))
@example("[a:(b:c):3]")
@example("[a:b|c:3]")
@example("[a:b:c:3]")
@example("[a:[b:c:3]:d:3]")
@example("(a:[b:c:3]:x)")
def test_the_reader_finds_groups_wherever_the_grammar_does(text: str):
    schedule = parse_schedule(text, 10)
    try:
        found = readings(GRAMMAR.parse(text))
    except LarkError:
        found = 0
    assert (schedule != [(10, text)]) == (found > 0)
