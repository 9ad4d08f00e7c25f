"""The rows of a styles.csv, changed one style at a time: whatever else the file holds stays in it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

from modules.foundation.errors import SettingsError

COLUMNS = ("name", "prompt", "negative_prompt")


@dataclass(frozen=True, kw_only=True)
class Style:
    """A style; `prompt` and `negative_prompt` are templates that may contain `{prompt}`."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""


Cells = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StylesTable:
    """A styles.csv as it stands in the file: with comments, columns of others, and rows that a later one replaces."""

    heading: Cells
    rows: tuple[Cells, ...] = ()
    separator: str = ","

    @classmethod
    def read(cls, csv_text: str) -> StylesTable:
        """The table of a text. Raises SettingsError for text that is no CSV or has no column of names."""
        # csv stops at NUL on some versions of Python.
        plain = csv_text.lstrip("\ufeff").replace("\0", "")
        first = plain.partition("\n")[0]
        separator = next((mark for mark in ",;\t" if mark in first), ",")
        try:
            read = csv.reader(io.StringIO(plain, newline=""), skipinitialspace=True, delimiter=separator)
            heading, *rows = [tuple(row) for row in read] or [COLUMNS]
        except csv.Error as error:
            raise SettingsError(f"The styles file is not a CSV file ({error}). Correct it, or move it away.") from error
        if any(rows) and "name" not in heading:
            raise SettingsError(
                f'The styles file is a CSV file without a column "name". Its first line must be: {",".join(COLUMNS)}'
            )
        return cls(heading=heading if "name" in heading else COLUMNS, rows=tuple(rows), separator=separator)

    def styles(self) -> list[Style]:
        """The styles in order, those that a later row replaces among them."""
        negative = COLUMNS[2]
        return [
            Style(
                name=name,
                prompt=self._cell(row, "prompt") or self._cell(row, "text"),
                negative_prompt=self._cell(row, negative),
            )
            for row in self.rows
            if (name := self._cell(row, "name")) and not name.startswith("#")
        ]

    def with_style(self, style: Style, instead_of: str | None = None) -> StylesTable:
        """The table with `style` in the place of the one of its name, or of `instead_of`; else as the last row."""
        old = style.name if instead_of is None else instead_of
        table = self._with_columns()
        places = [place for place, row in enumerate(table.rows) if table._cell(row, "name") == old]
        if not places:
            blank = ("",) * len(table.heading)
            return replace(table, rows=(*table.rows, table._filled(blank, style)))
        rows = list(table.rows)
        rows[places[-1]] = table._filled(rows[places[-1]], style)
        if old != style.name:
            # Rows that were replaced by this one would come back under the old name.
            rows = [row for place, row in enumerate(rows) if place not in places[:-1]]
        return replace(table, rows=tuple(rows))

    def without(self, name: str) -> StylesTable:
        """The table without the style."""
        return replace(self, rows=tuple(row for row in self.rows if self._cell(row, "name") != name))

    def text(self) -> str:
        """The text of the file."""
        lines = (self.separator.join(self._quoted(cell) for cell in row) for row in (self.heading, *self.rows))
        return "".join(f"{line}\n" for line in lines)

    def _cell(self, row: Cells, column: str) -> str:
        place = _last(self.heading, column)
        return row[place] if place is not None and place < len(row) else ""

    def _with_columns(self) -> StylesTable:
        has_prompt = "prompt" in self.heading or "text" in self.heading
        missing = [name for name in COLUMNS if name not in self.heading and not (name == "prompt" and has_prompt)]
        return replace(self, heading=(*self.heading, *missing))

    def _filled(self, row: Cells, style: Style) -> Cells:
        cells = [*row, *[""] * (len(self.heading) - len(row))]
        words = "prompt" if "prompt" in self.heading else "text"
        for column, value in (("name", style.name), (words, style.prompt), (COLUMNS[2], style.negative_prompt)):
            place = _last(self.heading, column)
            if place is not None:
                cells[place] = value
        return tuple(cells)

    def _quoted(self, cell: str) -> str:
        # Readers skip blanks before a cell, unless it is quoted.
        plain = cell.replace("\0", "")
        if plain[:1].isspace() or any(mark in plain for mark in (self.separator, '"', "\n", "\r")):
            return '"' + plain.replace('"', '""') + '"'
        return plain


def _last(heading: Cells, column: str) -> int | None:
    """The place of a column; of several with one name the last, as Python's csv has it."""
    return next((place for place in reversed(range(len(heading))) if heading[place] == column), None)
