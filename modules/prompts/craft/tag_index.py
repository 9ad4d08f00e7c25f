"""Lists of tags from csv files, searched at keystroke speed.

The columns are those that danbooru's and e621's lists have: name, category as a number, count, and other names in
quotes, separated by commas. A tag is found by the beginning of its name, of any of its words, or of one of its other
names; those that stand beside more pictures come first.
"""

from __future__ import annotations

import bisect
import csv
import heapq
import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from modules.foundation.text_files import decode_text, read_file

CATEGORIES: dict[str, dict[int, str]] = {
    "danbooru": {0: "general", 1: "artist", 3: "copyright", 4: "character", 5: "meta"},
    "e621": {
        0: "general",
        1: "artist",
        3: "copyright",
        4: "character",
        5: "species",
        6: "invalid",
        7: "meta",
        8: "lore",
    },
}
"""What the numbers of the second column mean."""

MAX_ROWS = 2_000_000
MAX_NAME = 300
"""Characters; the longest titles have half as many."""
LARGEST_FILE = 500_000_000

SHORT = 3
"""Letters of a beginning up to which answers are remembered, for many tags have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A tag of a list. `name` is as it stands there, with underscores."""

    name: str
    category: str
    count: int


@dataclass(frozen=True, kw_only=True)
class TagHit:
    """A tag that was found, and the other name by which it was, if it was."""

    tag: TagRow
    alias: str = ""


class TagIndex:
    """Tags with their other names, to be searched. Of a tag that stands there several times the first counts."""

    def __init__(self, tags: Iterable[tuple[TagRow, Sequence[str]]]) -> None:
        rows: list[TagRow] = []
        aliases: list[tuple[str, str]] = []
        known: set[str] = set()
        for row, others in tags:
            if row.name not in known and len(rows) < MAX_ROWS:
                known.add(row.name)
                rows.append(row)
                aliases += [(each, row.name) for each in others]
        rows.sort(key=lambda row: -row.count)
        self._tags = rows
        self._named = {row.name.casefold(): index for index, row in reversed([*enumerate(rows)])}
        places = {row.name: index for index, row in enumerate(rows)}
        # Each entry is one text, "long_hair", "hair", with its tag's place behind it: half a million texts are sorted
        # ten times faster than as many tuples, which the garbage collector would go through again and again.
        entries = [f"{row.name.casefold()}\0{index:07d}" for index, row in enumerate(rows)]
        for index, row in enumerate(rows):
            if "_" in row.name:
                entries += [f"{word}\0{index:07d}" for word in _words(row.name.casefold())]
        entries += [f"{alias.casefold()}\0{places[name]:07d}{alias}" for alias, name in aliases]
        entries.sort()
        self._entries = entries
        self._places = array("L", [int(entry[entry.index("\0") + 1 :][:7]) for entry in entries])
        self._by_key: dict[str, TagRow] | None = None
        self._remembered: dict[tuple[str, int], list[TagHit]] = {}

    def __len__(self) -> int:
        return len(self._tags)

    def knows(self, key: str) -> bool:
        """Whether a tag has this key (see `tag_key`)."""
        return key in self._keys()

    def category(self, key: str) -> str | None:
        """The category of the tag with this key."""
        row = self._keys().get(key)
        return None if row is None else row.category

    def _keys(self) -> dict[str, TagRow]:
        if self._by_key is None:
            # Names of a list have no weights, which is what takes time in `tag_key`.
            keys = (row.name if len(row.name) <= 3 else row.name.replace("_", " ").strip() for row in self._tags)
            self._by_key = {key.casefold(): row for key, row in reversed([*zip(keys, self._tags, strict=True)])}
        return self._by_key

    def search(self, text: str, limit: int = 20) -> list[TagHit]:
        """The tags whose name, a word of it, or another name begins so; one called exactly so comes first."""
        wanted = "_".join(text.casefold().split())
        if not wanted:
            return []
        if len(wanted) > SHORT:
            return self._found(wanted, limit)
        if (wanted, limit) not in self._remembered:
            if len(self._remembered) > 20_000:
                self._remembered.clear()
            self._remembered[wanted, limit] = self._found(wanted, limit)
        return self._remembered[wanted, limit]

    def _found(self, wanted: str, limit: int) -> list[TagHit]:
        start = bisect.bisect_left(self._entries, wanted)
        stop = bisect.bisect_left(self._entries, f"{wanted}\U0010ffff", start)
        # A smaller place is a greater count; a tag may have several entries, a few more than are wanted will do.
        best = heapq.nsmallest(limit * 4, range(start, stop), key=self._places.__getitem__)
        hits: dict[int, TagHit] = {}
        if (named := self._named.get(wanted)) is not None:
            hits[named] = TagHit(tag=self._tags[named])
        for at in best:
            place, alias = self._places[at], self._entries[at].partition("\0")[2][7:]
            if place not in hits or (hits[place].alias and not alias):
                hits[place] = TagHit(tag=self._tags[place], alias=alias)
        return list(hits.values())[:limit]


def _words(name: str) -> Iterator[str]:
    """The rest of a name from each word on, but the first."""
    start = name.find("_", 1) + 1
    while 0 < start < len(name):
        if name[start] != "_":
            yield name[start:]
        start = name.find("_", start) + 1


def read_tags(path: Path, problems: list[str]) -> Iterator[tuple[TagRow, list[str]]]:
    """The tags of a file with their other names. Lines that make no sense are left out; `problems` gets the first."""
    try:
        if (size := path.stat().st_size) > LARGEST_FILE:
            problems.append(f"{path} has {size:,} bytes; the most is {LARGEST_FILE:,}.")
            return
        text = decode_text(read_file(path))[0]
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror or error}.")
        return
    categories = CATEGORIES["e621" if "e621" in path.name.casefold() else "danbooru"]
    reader = csv.reader(io.StringIO(text.replace("\0", "")))
    reported = False
    try:
        for cells in reader:
            row = _row(cells, categories)
            if row is not None:
                others = cells[3].split(",") if len(cells) > 3 else []
                yield row, [each.strip() for each in others if each.strip() and len(each) <= MAX_NAME]
            elif cells and not reported and reader.line_num > 1:  # the first line may hold the names of columns
                reported = True
                problems.append(f"{path}, line {reader.line_num}: this is no tag (name,category,count,other names).")
    except csv.Error as error:
        problems.append(f"{path}, line {reader.line_num}: {error}; what follows is not read.")


def _row(cells: list[str], categories: dict[int, str]) -> TagRow | None:
    if len(cells) < 2 or not (name := cells[0].strip()) or len(name) > MAX_NAME:
        return None
    number = cells[1].strip()
    if not number.isdecimal() or len(number) > 6:
        return None
    count = cells[2].strip() if len(cells) > 2 else ""
    return TagRow(
        name="_".join(name.split()),
        category=categories.get(int(number), "general"),
        count=int(count) if count.isdecimal() and len(count) < 15 else 0,
    )


def written(name: str, *, blanks: bool = True, escape: bool = True) -> str:
    """A tag as it is put into a prompt: blanks for underscores, except in faces, and brackets as characters.

    >>> written("lucy_(cyberpunk)"), written("^_^")
    ('lucy \\\\(cyberpunk\\\\)', '^_^')
    """
    is_face = len(name) <= 3 or not any(left.isalnum() and right.isalnum() for left, right in pairwise(name))
    text = name.replace("_", " ") if blanks and not is_face else name
    return text.replace("(", "\\(").replace(")", "\\)") if escape else text
