from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.checkpoints.merge.discard import Discard
from modules.foundation import user_pattern
from modules.foundation.errors import RequestError


@given(
    st.lists(st.sampled_from([*"ab.^$|()*+?", "[ab]", "[^a]", r"\d", r"\.", "a{2}", "model", "out"]), max_size=6),
    st.text(alphabet="abmodelut.1", max_size=12),
)
def test_a_pattern_finds_what_pythons_own_finds(pieces: list[str], name: str) -> None:
    pattern = "".join(pieces)
    try:
        expected = re.search(pattern, name) is not None
    except re.error:
        return
    assert Discard(pattern).matches(name) == expected


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(a+)+$"])
def test_a_pattern_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setattr(user_pattern, "TIME_LIMIT", 0.05)
    slow = Discard(pattern)
    with pytest.raises(RequestError, match="takes too long"):
        for _ in range(1000):
            slow.matches("a" * 5000 + "b")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "no regular expression"),
        ("[a", "no regular expression"),
        ("x" * 1001, "1001 characters"),
        ("a{999999999}", "more than"),
        ("((a{100}){100}){100}", "more than"),
        ("a{1,99999}", "more than"),
        (r"\p{nothing}", "no regular expression"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named(pattern: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason) as raised:
        Discard(pattern)
    assert raised.value.field == "discard_weights"
