from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modules.interrogate.options import TagOptions, tag_set
from modules.interrogate.tag_text import is_kaomoji, tags_to_text

FOUND = {"solo": 0.7, "long_hair": 0.9, "saber_(fate)": 0.51239, "^_^": 0.6}


def test_the_most_probable_come_first_or_the_alphabet_decides() -> None:
    plain = TagOptions(spaces=False, escaped=False)
    assert tags_to_text(FOUND, plain) == "long_hair, solo, ^_^, saber_(fate)"
    ordered = TagOptions(spaces=False, escaped=False, alphabetical=True)
    assert tags_to_text(FOUND, ordered) == "^_^, long_hair, saber_(fate), solo"


def test_spaces_brackets_ranks_and_faces() -> None:
    options = TagOptions(ranks=True, keeps_kaomoji=True)
    assert tags_to_text(FOUND, options) == r"(long hair:0.900), (solo:0.700), (^_^:0.600), (saber \(fate\):0.512)"
    assert tags_to_text({"a\\b": 1.0, "^_^": 0.5}, TagOptions()) == "a\\\\b, ^ ^"


def test_excluded_tags_are_left_out_however_they_are_written() -> None:
    for text in ("Long Hair, saber (fate)", "long_hair,saber_\\(fate\\)", " long hair \n saber_(fate) ,, "):
        assert tags_to_text(FOUND, TagOptions(excluded=tag_set(text))) == "solo, ^ ^"


def test_faces_are_told_from_words() -> None:
    faces = ["0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3", "6_9", ">_o", "@_@"]
    faces += ["^_^", "o_o", "u_u", "x_x", "||_||"]
    assert all(is_kaomoji(face) for face in faces)
    assert not any(is_kaomoji(tag) for tag in ("long_hair", "1girl", "v-neck", "very_long_hair", "ok_sign", "a__b"))


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.floats(0, 1), max_size=6))
def test_every_tag_that_is_not_excluded_is_named_once(found: dict[str, float]) -> None:
    text = tags_to_text(found, TagOptions(spaces=False, escaped=False))
    assert text == ", ".join(sorted(found, key=lambda tag: -found[tag]))
