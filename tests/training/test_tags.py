"""Tags of captions, edited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modules.training.tags import TagEdit, edited, tags_of, without_shorter

TAGS = st.lists(st.sampled_from(["hair", "long hair", "very long hair", "Red Cat", "cat", "red", "sky"]), max_size=8)


def test_what_a_longer_tag_says_is_removed() -> None:
    tags = ["long hair", "very long hair", "hair", "hairband", "1girl", "long"]
    assert without_shorter(tags) == ["very long hair", "hairband", "1girl"]


def test_tags_are_found_replaced_added_and_sorted() -> None:
    caption = "sky, Cat , sky,,\nlong hair"
    assert edited(caption, TagEdit(find="CAT", replace="dog, puppy")) == "sky, dog, puppy, sky, long hair"
    assert edited(caption, TagEdit(find="cat")) == "sky, sky, long hair"
    assert edited(caption, TagEdit(find="ca")) == "sky, Cat, sky, long hair"
    assert edited(caption, TagEdit(unique=True)) == "sky, Cat, long hair"
    assert edited(caption, TagEdit(add="zuvo, sky")) == "zuvo, sky, Cat, sky, long hair"
    assert edited(caption, TagEdit(sort=True, unique=True)) == "Cat, long hair, sky"


@given(TAGS, st.booleans(), st.booleans(), st.booleans())
def test_an_edit_done_twice_is_the_edit_done_once(tags: list[str], unique: bool, shorter: bool, sort: bool) -> None:
    edit = TagEdit(unique=unique, shorter=shorter, sort=sort)
    once = edited(", ".join(tags), edit)
    assert edited(once, edit) == once
    assert set(tags_of(once)) <= set(tags)
    if unique:
        assert len(tags_of(once)) == len({tag.casefold() for tag in tags_of(once)})
