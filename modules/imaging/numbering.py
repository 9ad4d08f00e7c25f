"""The numbers in front of file names: one more than the highest of the folder, never given out twice."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator
from pathlib import Path

_STALE_AFTER = 3600.0


@contextlib.contextmanager
def reserved_number(folder: Path, basename: str = "") -> Generator[int]:
    """A number that no other thread or process gets for `folder` while the block runs or once its file is there.

    The number is one more than the highest in the names `NNNNN...` of the folder (`basename-NNNN...` with a
    basename), 0 in an empty one. It is held by a hidden file that only one can create; since somebody may have taken
    and used the same number between our look and our hold, we look once more while holding it. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        number = max(number, highest_number(folder, basename) + 1)
        mark = folder / f".{basename or 'number'}-{number:05}.taken"
        if not _take(mark):
            number += 1
            continue
        try:
            if highest_number(folder, basename) < number:
                yield number
                return
        finally:
            mark.unlink(missing_ok=True)


def highest_number(folder: Path, basename: str = "") -> int:
    """The highest number in the names of `folder`, -1 if there is none (or no folder)."""
    prefix = f"{basename}-" if basename else ""
    highest = -1
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(prefix):
                    continue
                digits = entry.name[len(prefix) :].rsplit(".", 1)[0].split("-", 1)[0]
                if digits.isascii() and digits.isdigit():
                    highest = max(highest, int(digits))
    except FileNotFoundError:
        return -1
    return highest


def _take(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        # Left behind by a process that was killed: it keeps the number, but not forever.
        with contextlib.suppress(OSError):
            if time.time() - mark.stat().st_mtime > _STALE_AFTER:
                mark.unlink(missing_ok=True)
        return False
    return True
