"""The numbers in front of file names: one more than the highest of the folder, never given out twice."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path

_STALE_AFTER = 3600.0
"""Seconds after which a hidden file is stale."""

_HIDDEN = (".taken", ".part")


@contextlib.contextmanager
def reserved_number(folder: Path, basename: str = "") -> Generator[int]:
    """A number that no other thread or process gets for `folder` while the block runs or once its file is there.

    The number is one more than the highest in the names `NNNNN...` of the folder (`basename-NNNN...` with a
    basename), 0 in an empty one. It is reserved by a hidden file that only one can create; since another process
    may have taken and used the number before that, the folder is read once more after reserving it. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        highest, hidden = _look_through(folder, basename)
        _forget_stale(hidden)
        number = max(number, highest + 1)
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
    return _look_through(folder, basename)[0]


def _look_through(folder: Path, basename: str) -> tuple[int, list[Path]]:
    """The highest number, and the hidden files of pictures that are being saved, in one look at the folder."""
    prefix = f"{basename}-" if basename else ""
    highest, hidden = -1, list[Path]()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") and entry.name.endswith(_HIDDEN):
                    hidden.append(Path(entry.path))
                elif entry.name.startswith(prefix):
                    digits = entry.name[len(prefix) :].rsplit(".", 1)[0].split("-", 1)[0]
                    if digits.isascii() and digits.isdigit():
                        highest = max(highest, int(digits))
    except FileNotFoundError:
        pass
    return highest, hidden


def _forget_stale(hidden: Sequence[Path]) -> None:
    """Remove what a program that was killed has left behind; what is being saved now is younger."""
    for path in hidden:
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_AFTER:
                path.unlink(missing_ok=True)


def _take(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
