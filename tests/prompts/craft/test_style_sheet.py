"""The words of a sheet of styles."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.craft.style_sheet import mixture_count, mixtures_of, styled, styles_of, weights_of


@given(st.lists(st.text("abc xyz", min_size=1, max_size=6), min_size=1, max_size=7), st.integers(1, 4))
def test_mixtures_are_all_choices_in_order(words: list[str], together: int) -> None:
    text = "\n".join([*words, "last"])
    styles = styles_of(text)
    if together <= len(styles):
        mixtures = mixtures_of(text, together)
        assert mixture_count(text, together) == len(mixtures)
        assert len(set(mixtures)) == len(mixtures) == math.comb(len(styles), together)
        assert all(
            styles.index(one) < styles.index(two) for mixture in mixtures for one, two in itertools.pairwise(mixture)
        )


def test_words_stand_between_commas_too_and_weights_may_have_blanks() -> None:
    assert styles_of("a, b ,, a") == ["a", "b"]
    assert styles_of("a, b\nc") == ["a, b", "c"]
    assert weights_of(" 1 , .5,") == [1.0, 0.5]
    assert styled("", ["a"], 1, "end") == "a"
