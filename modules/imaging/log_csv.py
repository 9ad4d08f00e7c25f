"""log.csv: one line for each picture that the user chose to keep, in A1111's columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from modules.foundation.atomic import atomic_create, atomic_write

COLUMNS = (
    "prompt",
    "seed",
    "width",
    "height",
    "sampler",
    "cfgs",
    "steps",
    "filename",
    "negative_prompt",
    "sd_model_name",
    "sd_model_hash",
)


def append_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Add `rows` to the file at `path`, which is begun if it is not there.

    A file with other columns (an older program's had fewer) keeps its own order; columns that it lacks are added to
    it, empty for the lines that are there. Raises OSError as the file system does.
    """
    columns = _columns(path)
    if not columns:
        if not atomic_create(path, _lines(COLUMNS, [dict(zip(COLUMNS, COLUMNS, strict=True))])):
            with atomic_write(path) as file:  # it is there, but empty
                file.write(_lines(COLUMNS, [dict(zip(COLUMNS, COLUMNS, strict=True))]))
        columns = list(COLUMNS)
    if missing := [column for column in COLUMNS if column not in columns]:
        columns += missing
        _widen(path, columns)
    # One write: lines of two programs that keep pictures in one folder do not mix.
    with path.open("ab", buffering=0) as file:
        file.write(_lines(columns, rows))


def _columns(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return next(csv.reader(file), [])
    except FileNotFoundError:
        return []


def _widen(path: Path, columns: Sequence[str]) -> None:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file, restval=""))
    header = dict(zip(columns, columns, strict=True))
    with atomic_write(path) as file:
        file.write(_lines(columns, [header, *rows]))


def _lines(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.DictWriter(text, columns, restval="", extrasaction="ignore").writerows(rows)
    return text.getvalue().encode(errors="replace")
