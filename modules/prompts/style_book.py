"""The styles of a user's files, read again whenever a file changes, and written back into them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import RequestError, SettingsError, reason_of
from modules.foundation.text_files import read_text
from modules.prompts.styles import read_styles, write_styles
from modules.prompts.styles_table import COLUMNS, Style, StylesTable

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _File:
    """What a file said when it had this stamp: its styles, or what is wrong with it."""

    stamp: tuple[int, int] | None = None
    styles: tuple[Style, ...] = ()
    problem: str = ""


class StyleBook:
    """The styles in some CSV files. Of several with one name the last holds, in the place of the first.

    A path may hold `*` and `?`, for all files that fit. Files that are not there are mentioned once where they are
    `expected`, which means that they were named explicitly.
    """

    def __init__(self, files: Sequence[Path], *, expected: bool = False) -> None:
        self.files, self._expected = tuple(files), expected
        self._missing: set[Path] = set()
        self._lock = threading.Lock()
        self._read: dict[Path, _File] = {}

    def all(self) -> tuple[Style, ...]:
        """Every style, in the order of the files."""
        with self._lock:
            found: dict[str, Style] = {}
            for path in self._existing():
                found |= {style.name: style for style in self._styles_of(path)}
            return tuple(found.values())

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files, a sentence for each that cannot be read."""
        with self._lock:
            return tuple(problem for path in self._existing() if (problem := self._file(path).problem))

    def file_of(self, name: str) -> Path | None:
        """The file that holds the style of this name; None where there is no such style."""
        with self._lock:
            holding = [path for path in self._existing() if any(each.name == name for each in self._styles_of(path))]
            return holding[-1] if holding else None

    def save(self, style: Style, instead_of: str | None = None) -> Path:
        """Write a style into the file that has it, or has `instead_of`, its name until now; a new one into the first.

        Everything else in the file stays. Raises RequestError for a name that no style can have, or that is another's;
        SettingsError for a file that cannot be read, which is left alone; OSError as the file system does.
        """
        self._check_name(style.name)
        old = style.name if instead_of is None else instead_of
        if old != style.name and self.file_of(style.name) is not None:
            raise RequestError(f"There is a style {style.name!r} already. Choose another name.", "name")
        path = self.file_of(old) or self._first()
        self._rewrite(path, lambda table: table.with_style(style, instead_of))
        if old != style.name:
            self._remove(old)
        return path

    def remove(self, name: str) -> None:
        """Take a style out of every file that has it. Raises as `save` does, and RequestError where there is none."""
        if self.file_of(name) is None:
            raise RequestError(f"There is no style {name!r}.", "name")
        self._remove(name)

    def replace(self, styles: Sequence[Style]) -> None:
        """Write `styles` as the whole content of the first file. Raises OSError as the file system does."""
        first = self._first()
        with self._lock:
            self._write(first, write_styles(styles))

    def _remove(self, name: str) -> None:
        with self._lock:
            holding = [path for path in self._existing() if any(each.name == name for each in self._styles_of(path))]
        for path in holding:
            self._rewrite(path, lambda table: table.without(name))

    def _rewrite(self, path: Path, change: Callable[[StylesTable], StylesTable]) -> None:
        with self._lock:
            try:
                table = StylesTable.read(read_text(path)) if path.exists() else StylesTable(heading=COLUMNS)
            except SettingsError as error:
                raise SettingsError(f"{path} was not changed: {error}") from error
            self._write(path, change(table).text())

    def _write(self, path: Path, text: str) -> None:
        with atomic_write(path) as file:
            file.write(text.encode("utf-8-sig"))
        # A file that is written twice within a tick of the clock, at the same length, would look unchanged.
        self._read.pop(path, None)

    def _first(self) -> Path:
        """The file that new styles go into."""
        with self._lock:
            first = next(self._existing(), None)
        return first or Path(str(self.files[0]).replace("*", "styles").replace("?", "1"))

    @staticmethod
    def _check_name(name: str) -> None:
        if not name.strip() or name != name.strip():
            raise RequestError("A style needs a name, without blanks around it.", "name")
        if name.startswith("#") or name == "None" or not name.isprintable():
            raise RequestError(f"A style cannot be called {name!r}: such rows of a styles file are no styles.", "name")

    def _existing(self) -> Iterator[Path]:
        """The files that are there, each once, in the order in which they were named."""
        seen: set[Path] = set()
        for named in self.files:
            matching = _matching(named)
            if matching:
                self._missing.discard(named)
            elif self._expected and named not in self._missing:
                self._missing.add(named)
                log.warning("There is no styles file %s (--styles-file). It is read as soon as it is there.", named)
            yield from (path for path in matching if path not in seen)
            seen.update(matching)

    def _styles_of(self, path: Path) -> tuple[Style, ...]:
        return self._file(path).styles

    def _file(self, path: Path) -> _File:
        try:
            status = path.stat()
        except OSError:
            return _File()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._read.get(path)
        if known is None or known.stamp != stamp:
            known = self._read[path] = _read_file(path, stamp)
        return known


def _read_file(path: Path, stamp: tuple[int, int]) -> _File:
    try:
        return _File(stamp=stamp, styles=tuple(read_styles(read_text(path))))
    except (OSError, SettingsError) as error:
        problem = f"The styles file {path} cannot be read: {reason_of(error)}"
        log.warning("%s", problem)
        return _File(stamp=stamp, problem=problem)


def _matching(named: Path) -> list[Path]:
    """The file of this name, or all files that fit a pattern, in order."""
    if named.is_file():
        return [named]
    pattern = str(named.relative_to(named.anchor))
    if "*" not in pattern and "?" not in pattern:
        return []
    # Brackets belong to names here, as in A1111.
    found = Path(named.anchor).glob(pattern.replace("[", "[[]"))
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))
