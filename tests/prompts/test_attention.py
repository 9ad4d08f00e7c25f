import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.attention import BREAK, parse_attention, uses_emphasis

ROWS = json.loads((Path(__file__).parents[1] / "parity/tables/attention.json").read_text(encoding="utf-8"))
WORDS = [*"()[]{}:\\ \n.+-015ab,|é日", "BREAK", " BREAK "]
SYNTAX = st.lists(st.sampled_from(WORDS), max_size=60).map("".join)


@pytest.mark.parametrize("row", ROWS, ids=[repr(row["text"]) for row in ROWS])
def test_a_text_is_weighted_as_recorded(row: dict):
    assert [list(piece) for piece in parse_attention(row["text"])] == row["parsed"]


@given(SYNTAX | st.text(), st.sampled_from(["A1111", "NovelAI", "none"]))
def test_any_text_has_a_reading(text: str, dialect):
    pieces = parse_attention(text, dialect)
    assert pieces
    assert all(left[1] != right[1] for left, right in itertools.pairwise(pieces))


@given(st.text(alphabet="abc ,.!_é日"))
def test_plain_text_stays_one_piece_of_weight_one(text: str):
    assert parse_attention(text) == [(text, 1.0)]


@given(st.text(alphabet="ab()[]\\"))
def test_escaping_every_special_character_gives_the_text_back(text: str):
    escaped = "".join("\\" + character if character in "()[]\\" else character for character in text)
    assert parse_attention(escaped) == [(text, 1.0)]


@pytest.mark.parametrize("text", ["(a:1.2.3)", "(a:.)", "(a:+-1)", "(a:" + "9" * 400 + ")"])
def test_a_weight_that_is_no_number_is_text(text: str):
    [(piece, weight)] = parse_attention(text)
    assert (piece, weight) == (text[1:-1], 1.1)


def test_many_nested_brackets_are_read_without_recursion():
    assert parse_attention("(" * 3000 + "a") == [("a", pytest.approx(1.1**3000))]


def test_novelai_braces_multiply_all_that_follows_and_need_not_close():
    assert parse_attention("a {b", "NovelAI") == [("a ", 1.0), ("b", 1.05)]
    assert parse_attention("{{a}} b", "NovelAI") == [("a", 1.05**2), (" b", 1.0)]
    assert parse_attention("[a] b", "NovelAI") == [("a", 1.05**-1), (" b", 1.0)]
    assert parse_attention("a} b] c", "NovelAI") == [("a", 1.0), (" b", 1.05**-1), (" c", 1.0)]


def test_novelai_leaves_round_brackets_alone_and_takes_escapes_and_breaks():
    assert parse_attention(r"(a:1.3) \{b\} \x", "NovelAI") == [(r"(a:1.3) {b} \x", 1.0)]
    assert parse_attention("{a BREAK b", "NovelAI") == [("a", 1.05), (BREAK, -1.0), ("b", 1.05)]


def test_no_emphasis_keeps_the_text_as_it_is():
    assert parse_attention(r"(a:1.2) [b] \(c\) BREAK d", "none") == [(r"(a:1.2) [b] \(c\) BREAK d", 1.0)]


def test_uses_emphasis_looks_for_weights_and_not_for_breaks():
    assert uses_emphasis("a (b)")
    assert not uses_emphasis(r"a BREAK b \(c\)")


@pytest.mark.parametrize(
    ("text", "depth"), [("(" * 100_000 + "a", 4000), ("(a" * 5000 + ")" * 5000, None), ("[" * 50_000 + "a", 4000)]
)
def test_brackets_nested_beyond_all_numbers_count_no_more(text: str, depth: int | None) -> None:
    pieces = parse_attention(text)
    assert "".join(piece for piece, _ in pieces) == text.strip("()[").replace("(", "")
    if depth is not None:
        assert pieces[0][1] == pytest.approx(1.1 ** (depth if text[0] == "(" else -depth))
