"""Pictures counted by what made them: how many of each cell of a plot, of each size or sampler, people called good."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modules.application.history import HistoryImage
from modules.infotext.parse import parse

PROMPT, NEGATIVE_PROMPT = "Prompt", "Negative prompt"

MOST_PICTURES = 50_000
MOST_FIELDS = 3

NEVER_OFFERED = frozenset({"Seed", "Variation seed", "Version", "Hashes", "Lora hashes", "TI hashes"})
"""Fields that differ from picture to picture without being what is compared."""

MOST_VALUES = 200
"""A field with more values than this is not offered: no table has so many columns."""


@dataclass(frozen=True, kw_only=True)
class TallyRow:
    """The pictures that have these values: how many there are, how many have which mark, are favourites, are rated."""

    values: tuple[str, ...]
    total: int
    marks: dict[str, int]
    favourites: int
    rated: int
    stars: int
    """Of all that are rated, together."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts by `fields`, in the order in which their values first came. `offered` are fields that have several."""

    fields: tuple[str, ...]
    offered: tuple[str, ...]
    rows: tuple[TallyRow, ...]


def tally(images: Iterable[HistoryImage], fields: Sequence[str] = ()) -> Tally:
    """Count pictures, the oldest first, by fields of their parameters; without `fields` by the first two that differ.

    "Prompt" and "Negative prompt" are fields, too: those of the cells of a plot differ where a part is replaced. What
    has no such field counts under "".
    """
    described = [(image, _fields(image)) for image in images]
    offered = _differing([each for _, each in described])
    by = tuple(fields) or offered[:2]
    cells: dict[tuple[str, ...], list[HistoryImage]] = {}
    for image, values in described:
        cells.setdefault(tuple(values.get(name, "") for name in by), []).append(image)
    return Tally(fields=by, offered=offered, rows=tuple(_row(values, cell) for values, cell in cells.items()))


def as_csv(counted: Tally) -> str:
    """A line a cell: its values, how many pictures, how many of each mark, favourites, the mean rating."""
    marks = sorted({mark for row in counted.rows for mark in row.marks if mark})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*counted.fields, "pictures", *marks, "without a mark", "favourites", "mean rating"])
    for row in counted.rows:
        mean = f"{row.stars / row.rated:.2f}" if row.rated else ""
        counts = [row.marks.get(mark, 0) for mark in (*marks, "")]
        writer.writerow([*row.values, row.total, *counts, row.favourites, mean])
    return text.getvalue()


def _fields(image: HistoryImage) -> dict[str, str]:
    return {PROMPT: image.prompt, NEGATIVE_PROMPT: image.negative_prompt, **parse(image.infotext).fields}


def _differing(described: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """The fields with several values, those first that a plot is most likely to be about: with few values."""
    values: dict[str, set[str]] = {}
    for fields in described:
        for name in fields:
            values.setdefault(name, set())
    for fields in described:
        for name, seen in values.items():
            seen.add(fields.get(name, ""))
    differing = [
        name
        for name, seen in values.items()
        if 1 < len(seen) <= MOST_VALUES and name not in NEVER_OFFERED and not name.endswith(" hash")
    ]
    # Prompts last: wildcards and styles make many of them.
    return tuple(sorted(differing, key=lambda name: (name in (PROMPT, NEGATIVE_PROMPT), len(values[name]))))


def _row(values: tuple[str, ...], cell: Sequence[HistoryImage]) -> TallyRow:
    return TallyRow(
        values=values,
        total=len(cell),
        marks=dict(Counter(image.mark for image in cell)),
        favourites=sum(image.favourite for image in cell),
        rated=sum(image.rating > 0 for image in cell),
        stars=sum(image.rating for image in cell),
    )
