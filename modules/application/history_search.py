"""What can be looked for in the history, and what that is in SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modules.application.database import storable

_WORD = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to look for; everything given must hold. `text` is words, any of which may be cut short, or "a phrase".

    `model`, `network` and `sampler` are parts of names, `since` and `until` seconds since 1970, `saved` whether there
    is a file, `rating` the least one. What is in the trash is found with `trashed` alone.
    """

    text: str = ""
    model: str = ""
    network: str = ""
    sampler: str = ""
    width: int | None = None
    height: int | None = None
    seed: int | None = None
    job: str = ""
    kind: str = ""
    since: float | None = None
    until: float | None = None
    saved: bool | None = None
    rating: int = 0
    favourite: bool | None = None
    mark: str = ""
    pixels: str = ""
    trashed: bool = False


def conditions(search: Search) -> tuple[list[str], list[Any]]:
    """The conditions on `images` that a search makes, and their values."""
    where = [f"images.trashed IS {'NOT ' if search.trashed else ''}NULL"]
    values: list[Any] = []

    def add(condition: str, *value: object) -> None:
        where.append(condition)
        values.extend(value)

    if expression := match_expression(search.text):
        add("images.number IN (SELECT rowid FROM images_text WHERE images_text MATCH ?)", expression)
    if search.model:
        add("(images.model LIKE ? ESCAPE '\\' OR images.model_hash = ?)", _part(search.model), search.model)
    for column, name in (("networks", search.network), ("sampler", search.sampler)):
        if name:
            add(f"images.{column} LIKE ? ESCAPE '\\'", _part(name))
    for test, value in _tests(search):
        if value not in (None, ""):
            add(f"images.{test} ?", value)
    if search.saved is not None:
        add(f"images.path IS {'NOT ' if search.saved else ''}NULL")
    return where, values


def _tests(search: Search) -> Sequence[tuple[str, str | float | None]]:
    """Comparisons with single values; those with None or "" are not made."""
    return (
        ("seed =", None if search.seed is None else str(search.seed)),
        ("job =", search.job),
        ("kind =", search.kind),
        ("mark =", search.mark),
        ("pixels =", search.pixels),
        ("width =", search.width),
        ("height =", search.height),
        ("created >=", search.since),
        ("created <", search.until),
        ("rating >=", search.rating or None),
        ("favourite =", search.favourite),
    )


def where_clause(where: Sequence[str]) -> str:
    """The conditions, all of which must hold, as a clause."""
    return f"WHERE {' AND '.join(where)}" if where else ""


def match_expression(text: str) -> str:
    """What people type into a search box in FTS5's words: each word may go on, "a phrase" may not.

    >>> match_expression('red "a cat" (moon')
    '"red"* AND "a cat" AND "(moon"*'
    """
    terms = [
        f'"{phrase}"' if phrase else '"' + word.replace('"', "") + '"*'
        for phrase, word in _WORD.findall(storable(text))
    ]
    return " AND ".join(term for term in terms if any(letter.isalnum() for letter in term))


def _part(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
