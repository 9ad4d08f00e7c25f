"""A prompt as a list of tags: taken apart at its commas, put in order, freed of what is there twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from modules.foundation.plain import JsonMapping

_SIGN = re.compile(r"\\.|[,()\[\]{}<>]", re.DOTALL)
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}
MAX_PAIRS = 20
"""Brackets around a tag that are taken off; each of them is a look at the whole text."""

_WEIGHT = re.compile(r":\s*+[+-]?+[0-9.]++\s*+\Z")


@dataclass(frozen=True)
class Tag:
    """A piece of a prompt between commas: its text without white space around it, and where that stands."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """What makes it the same tag as another: small letters, blanks, no weight."""
        return tag_key(self.text)


def split_tags(prompt: str) -> list[Tag]:
    """The pieces between those commas that stand in no bracket. A bracket that is closed nowhere holds none back."""
    cuts: list[list[int]] = [[]]
    opened: list[str] = []
    for sign in _SIGN.finditer(prompt):
        mark = sign[0]
        if mark == ",":
            cuts[-1].append(sign.start())
        elif mark in "([{<":
            opened.append(mark)
            cuts.append([])
        elif mark in _CLOSING and opened and opened[-1] == _CLOSING[mark]:
            opened.pop()
            cuts.pop()
    ends = sorted(each for level in cuts for each in level)
    tags: list[Tag] = []
    start = 0
    for end in (*ends, len(prompt)):
        text = prompt[start:end]
        if stripped := text.strip():
            first = start + len(text) - len(text.lstrip())
            tags.append(Tag(stripped, first, first + len(stripped)))
        start = end + 1
    return tags


def joined(tags: Iterable[Tag | str]) -> str:
    """The prompt of these tags."""
    return ", ".join(tag if isinstance(tag, str) else tag.text for tag in tags)


def unweighted(tag: str) -> str:
    """A tag without the brackets around all of it, and without their weight.

    >>> unweighted("((long hair:1.2))")
    'long hair'
    """
    text = tag.strip()
    for _ in range(MAX_PAIRS):
        if not (len(text) > 1 and _CLOSING.get(text[-1]) == text[0] and text[0] != "<" and _is_one_pair(text)):
            break
        inner = text[1:-1]
        weight = _WEIGHT.search(inner[-40:]) if text[0] == "(" else None
        text = (inner[: len(inner) - len(weight[0])] if weight else inner).strip()
    return text


def _is_one_pair(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth, opening = 0, text[0]
    for sign in _SIGN.finditer(text):
        if sign[0] == opening:
            depth += 1
        elif _CLOSING.get(sign[0]) == opening:
            depth -= 1
            if depth == 0:
                return sign.end() == len(text)
    return False


def tag_key(tag: str) -> str:
    """A tag as lists know it: no weight, small letters, blanks for underscores, brackets without backslashes."""
    plain = unweighted(tag).replace("\\(", "(").replace("\\)", ")")
    kept = plain if len(plain) <= 3 else plain.replace("_", " ")  # :_ and the like are faces
    return " ".join(kept.split()).casefold()


def deduplicated(prompt: str, *, implied: bool = False) -> str:
    """A prompt in which each tag stands once, where it came first.

    With `implied` a tag also goes whose words are the last ones of another, as trainers do it: "long hair" beside "very
    long hair".
    """
    by_key: dict[str, Tag] = {}
    for tag in split_tags(prompt):
        by_key.setdefault(tag.key, tag)
    tags = list(by_key.values())
    if implied:
        endings: set[str] = set()
        for tag in tags:
            words = tag.key.split(" ")
            endings.update(" ".join(words[start:]) for start in range(1, min(len(words), 20)))
        tags = [tag for tag in tags if tag.key not in endings]
    return joined(tags)


def sorted_tags(prompt: str, *, keep_first: int = 0) -> str:
    """A prompt with its tags by the alphabet, the first `keep_first` (a trigger, say) left where they are."""
    tags = split_tags(prompt)
    by_alphabet = sorted(tags[keep_first:], key=lambda tag: tag.key)
    return joined([*tags[:keep_first], *by_alphabet])


@dataclass(frozen=True)
class OrderPreset:
    """An order of groups; each knows its tags by words, or by words that they begin or end with."""

    label: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    other: str
    """The group of all that belongs to none."""


def order_presets(table: JsonMapping) -> dict[str, OrderPreset]:
    """The orders of orders.yaml. A group's words stand under `words`, which all orders share."""
    shared = cast("dict[str, Any]", table.get("words") or {})
    found: dict[str, OrderPreset] = {}
    for name, entry in cast("dict[str, Any]", table.get("orders") or {}).items():
        if isinstance(entry, dict):
            fields = cast("dict[str, Any]", entry)
            groups = [str(each) for each in cast("list[Any]", fields.get("groups") or [])]
            found[name] = OrderPreset(
                label=str(fields.get("label") or name),
                groups=tuple(
                    (group, tuple(str(word).casefold() for word in cast("list[Any]", shared.get(group) or [])))
                    for group in groups
                ),
                other=str(fields.get("other") or (groups[-1] if groups else "")),
            )
    return found


def ordered(prompt: str, preset: OrderPreset, category: Callable[[str], str | None] = lambda _: None) -> str:
    """A prompt with its tags in the order of a preset; within a group they stay as they stood.

    `category` says of a tag's key which group a list of tags puts it in ("character", "artist", ...).
    """
    places = {group: index for index, (group, _) in enumerate(preset.groups)}
    other = places.get(preset.other, len(places))
    exact: dict[str, int] = {}
    begin: list[tuple[str, int]] = []
    end: list[tuple[str, int]] = []
    for index, (_, words) in enumerate(preset.groups):
        for word in words:
            if word.endswith("*"):
                begin.append((word[:-1], index))
            elif word.startswith("*"):
                end.append((word[1:], index))
            else:
                exact.setdefault(word, index)

    def place(tag: Tag) -> int:
        key = tag.key
        if (known := exact.get(key)) is not None:
            return known
        found = [at for word, at in begin if key.startswith(word)] or [at for word, at in end if key.endswith(word)]
        return found[0] if found else places.get(category(key) or "", other)

    return joined(sorted(split_tags(prompt), key=place))
