"""Captions of tags, separated by commas: found, replaced, sorted, and rid of what another tag says already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 16
"""Words of a tag that may stand in a longer one."""


@dataclass(frozen=True, kw_only=True)
class TagEdit:
    """What is done to a caption, in this order.

    `find` is replaced by `replace`, which may be several tags or none; `add` are put in front unless they are there.
    `unique` keeps the first of equal tags; `shorter` removes a tag whose words stand together in a longer one; `sort`
    is by the alphabet.
    """

    find: str = ""
    replace: str = ""
    add: str = ""
    unique: bool = False
    shorter: bool = False
    sort: bool = False

    @property
    def does_nothing(self) -> bool:
        """Whether no caption could change."""
        return not (self.find.strip() or self.add.strip() or self.unique or self.shorter or self.sort)


def tags_of(caption: str) -> list[str]:
    """The tags, without empty ones and without spaces around them."""
    return [tag for part in caption.replace("\n", ",").split(",") if (tag := part.strip())]


def edited(caption: str, edit: TagEdit) -> str:
    """The caption after an edit. Tags are compared without regard to case."""
    tags = tags_of(caption)
    if wanted := edit.find.strip().casefold():
        instead = tags_of(edit.replace)
        tags = [each for tag in tags for each in (instead if tag.casefold() == wanted else [tag])]
    known = {tag.casefold() for tag in tags}
    tags = [*(tag for tag in tags_of(edit.add) if tag.casefold() not in known), *tags]
    if edit.unique:
        first: dict[str, str] = {}
        for tag in tags:
            first.setdefault(tag.casefold(), tag)
        tags = list(first.values())
    if edit.shorter:
        tags = without_shorter(tags)
    if edit.sort:
        tags.sort(key=str.casefold)
    return ", ".join(tags)


def without_shorter(tags: Sequence[str]) -> list[str]:
    """The tags but for those whose words stand, one after another, in a longer tag: "long hair" in "very long hair".

    What has more than `LONGEST` words is a sentence, and stays.
    """
    words = [tuple(tag.casefold().split()) for tag in tags]
    within: set[tuple[str, ...]] = set()
    for length in {len(each) for each in words if len(each) <= LONGEST}:
        for many in words:
            if len(many) > length:
                within.update(many[start : start + length] for start in range(len(many) - length + 1))
    return [tag for tag, few in zip(tags, words, strict=True) if few not in within]
