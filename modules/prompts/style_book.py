"""The styles of a user's files, read again whenever a file changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import SettingsError
from modules.foundation.text_files import read_text
from modules.prompts.styles import Style, read_styles, write_styles

log = logging.getLogger(__name__)


class StyleBook:
    """The styles in some CSV files. Of several with one name the last holds, in the place of the first.

    A path may hold `*` and `?`, for all files that fit. Files that are not there are mentioned once where they are
    `expected`, which means that they were named explicitly.
    """

    def __init__(self, files: Sequence[Path], *, expected: bool = False) -> None:
        self.files, self._expected = tuple(files), expected
        self._missing: set[Path] = set()
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int], tuple[Style, ...]]] = {}

    def all(self) -> tuple[Style, ...]:
        """Every style, in the order of the files."""
        with self._lock:
            found: dict[str, Style] = {}
            for path in self._existing():
                found |= {style.name: style for style in self._styles_of(path)}
            return tuple(found.values())

    def replace(self, styles: Sequence[Style]) -> None:
        """Write `styles` as the whole content of the first file. Raises OSError as the file system does."""
        first = next(self._existing(), None) or Path(str(self.files[0]).replace("*", "styles").replace("?", "1"))
        with self._lock, atomic_write(first) as file:
            file.write(write_styles(styles).encode("utf-8-sig"))

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
        try:
            status = path.stat()
        except OSError:
            return ()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            try:
                styles = tuple(read_styles(read_text(path)))
            except (OSError, SettingsError) as error:
                log.warning("The styles file %s cannot be read: %s", path, error)
                styles = ()
            known = self._read[path] = (stamp, styles)
        return known[1]


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
