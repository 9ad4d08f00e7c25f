"""Lists of words that CLIP ranks: one file each category, `NAME.txt`, or `NAME.topN.txt` for the N that fit best."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.foundation.errors import RequestError, reason_of

OWN_LISTS = Path(__file__).parent / "data"
"""Short lists of Easel's own, for those who have no folder `interrogate`."""

_COUNT = re.compile(r"\.top(\d+)$")


@dataclass(frozen=True, kw_only=True)
class Category:
    """Words of one kind, the best `count` of which are named. `name` is the file's without its suffix."""

    name: str
    count: int
    words: tuple[str, ...]


class CategoryFolder:
    """The category lists in the first of some folders that has any, else Easel's own."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    @property
    def folder(self) -> Path:
        """Folder that holds the lists of categories."""
        return next((folder for folder in self.folders if any(_files(folder))), OWN_LISTS)

    def names(self) -> list[str]:
        """The categories there are, by name."""
        return [path.stem for path in _files(self.folder)]

    def read(self, skipped: frozenset[str] = frozenset(), most_lines: int = 0) -> tuple[Category, ...]:
        """Each list that is not skipped, at most `most_lines` lines of it (0: all).

        Raises RequestError for a file that is no text.
        """
        found = (_read(path, max(most_lines, 0)) for path in _files(self.folder) if path.stem not in skipped)
        return tuple(category for category in found if category.words and category.count)


def _files(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*.txt") if path.is_file()), key=lambda path: path.name.casefold())


def _read(path: Path, most_lines: int) -> Category:
    try:
        status = path.stat()
        words = _words(path, status.st_size, status.st_mtime_ns)
    except (OSError, UnicodeError) as error:
        raise RequestError(
            f"The word list {path} cannot be read ({reason_of(error)}). Save it as a text in UTF-8, or skip the "
            f"category {path.stem!r} in the settings of Interrogate."
        ) from error
    counted = _COUNT.search(path.stem)
    return Category(
        name=path.stem, count=int(counted[1]) if counted else 1, words=words[:most_lines] if most_lines else words
    )


@functools.lru_cache(maxsize=64)
def _words(path: Path, size: int, mtime: int) -> tuple[str, ...]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
