import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.comments import strip_comments
from modules.prompts.networks import extract_networks

TABLE = json.loads((Path(__file__).parents[1] / "parity/tables/networks.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", TABLE["single"], ids=[repr(row["text"]) for row in TABLE["single"]])
def test_tags_are_taken_out_as_recorded(row: dict):
    clean, tags = extract_networks(row["text"])
    found: dict = {}
    for tag in tags:
        entry = {"items": list(tag.items), "positional": list(tag.positional), "named": dict(tag.named)}
        found.setdefault(tag.kind, []).append(entry)
    assert (clean, found) == (row["prompt"], row["networks"])


@pytest.mark.parametrize("row", TABLE["batch"], ids=[repr(row["texts"]) for row in TABLE["batch"]])
def test_the_networks_of_a_batch_are_those_of_its_first_prompt(row: dict):
    prompts = [extract_networks(text)[0] for text in row["texts"]]
    tags = extract_networks(row["texts"][0])[1] if row["texts"] else []
    found: dict = {}
    for tag in tags:
        found.setdefault(tag.kind, []).append(list(tag.items))
    assert (prompts, found) == (row["prompts"], row["networks"])


@given(st.text(alphabet="<>:=lora \n1.") | st.text())
def test_any_text_can_be_searched_for_tags(text: str):
    clean, tags = extract_networks(text)
    assert len(clean) <= len(text)
    assert not tags or "<" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# note\nfoo", "\nfoo"),
        ("a # b\nc", "a \nc"),
        ("a\n# whole line\nb", "a\nb"),
        ("a\n#x\n#y\nb", "a\n\nb"),
        ("a #", "a \n"),
        ("plain", "plain"),
    ],
)
def test_comments_become_line_breaks(text: str, expected: str):
    assert strip_comments(text) == expected


@given(st.text(alphabet="#\nab ") | st.text())
def test_no_comment_survives(text: str):
    assert "#" not in strip_comments(text)


TAG = re.compile(r"<(\w+):([^>]+)>")
"""A tag as one pattern, which takes ages for many that are half open."""


@given(st.text(alphabet="<>:ab =", max_size=25))
def test_tags_are_found_as_one_pattern_would_find_them(text: str) -> None:
    rest, tags = extract_networks(text)
    assert rest == TAG.sub("", text)
    assert [(tag.kind, ":".join(tag.items)) for tag in tags] == TAG.findall(text)
