"""Crash recovery: removes files a killed Easel left half written, and records pictures it saved without recording."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from modules.application.history import History, file_row, stored_path
from modules.application.jobs.job import AFTER_RESTART
from modules.foundation.errors import EaselError
from modules.foundation.picture_file import UNREADABLE, open_picture

log = logging.getLogger(__name__)

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".tif", ".tiff"})

OTHERS_MAY_WRITE = 3600.0
"""Seconds for which a hidden file outside of the data folder is taken for one that another Easel is writing."""

AT_ONCE = 100
"""Pictures that are put into the history together."""

_HALF_DONE = re.compile(r"\.(?:.{1,40}\.[0-9a-f]{16}\.part|.+-\d{5,}\.taken)", re.DOTALL)
_BESIDE = re.compile(r"-(?:mask|mask-composite|before-[a-z-]+)(?:-\d+)?$|^init-", re.IGNORECASE)
"""How the names end of what is saved beside a picture, which the history does not hold."""


def remove_half_done(folders: Iterable[Path], data: Path, before: float) -> int:
    """Remove hidden files of ours, written before the moment `before`, in these folders. Gives how many.

    The data folder belongs to this Easel alone; elsewhere another one may be writing.
    """
    removed = 0
    for folder in dict.fromkeys((data, *folders)):
        latest = before if folder.is_relative_to(data) else before - OTHERS_MAY_WRITE
        # Of the data folder itself, which may be that of the program, only what lies right in it.
        for entry in _files(folder, below=folder != data):
            if _HALF_DONE.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < latest:
                        Path(entry.path).unlink()
                        removed += 1
    if removed:
        log.info("%d files that an Easel before this one left half done were removed.", removed)
    return removed


def note_unnoted(
    history: History,
    folders: Sequence[Path],
    data: Path,
    *,
    others: Sequence[Path] = (),
    written: tuple[float, float],
    stop: threading.Event,
) -> int:
    """Put the pictures in these folders, `others` left out, into the history that it does not know.

    Only those `written` between two moments are looked at. Their words and seeds are read from the files. Gives how
    many. Raises EaselError where the history cannot be used.
    """
    known = {row["path"] for row in history.database.rows("SELECT path FROM images WHERE path IS NOT NULL")}
    query = "SELECT id, started FROM jobs WHERE note = ? AND started IS NOT NULL ORDER BY started DESC"
    broken_off = [(row["id"], float(row["started"])) for row in history.database.rows(query, (AFTER_RESTART,))]
    rows: list[tuple[Any, ...]] = []
    noted = 0
    for path, moment in _pictures(folders, frozenset(others), *written):
        if stop.is_set():
            break
        if (kept := stored_path(path, data)) in known:
            continue
        known.add(kept)
        job = next((name for name, started in broken_off if started <= moment), "")
        if (row := _row(path, data, moment, job)) is not None:
            rows.append(row)
        if len(rows) >= AT_ONCE:
            noted += _insert(history, rows)
            stop.wait(0.01)  # who makes pictures meanwhile comes first
    noted += _insert(history, rows)
    if noted:
        log.info("%d saved pictures were put into the history, which did not know them.", noted)
    return noted


def _insert(history: History, rows: list[tuple[Any, ...]]) -> int:
    count = len(rows)
    history.insert(sorted(rows, key=lambda row: row[3]))
    rows.clear()
    return count


def _pictures(
    folders: Sequence[Path], others: frozenset[Path], since: float, until: float
) -> Iterator[tuple[Path, float]]:
    for folder in dict.fromkeys(folders):
        for entry in _files(folder, others):
            path = Path(entry.path)
            if entry.name.startswith(".") or path.suffix.lower() not in PICTURES or _BESIDE.search(path.stem):
                continue
            with contextlib.suppress(OSError):
                written = entry.stat(follow_symlinks=False).st_mtime
                # A smaller JPEG beside a picture is the same picture.
                if since <= written < until and not (
                    path.suffix.lower() == ".jpg" and path.with_suffix(".png").exists()
                ):
                    yield path, written


def _files(folder: Path, without: frozenset[Path] = frozenset(), *, below: bool = True) -> Iterator[os.DirEntry[str]]:
    """All files below `folder`, as far as it can be read; links to folders are not followed."""
    folders = [] if folder in without else [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders += [path] if below and (path := Path(entry.path)) not in without else []
                    elif entry.is_file(follow_symlinks=False):
                        yield entry
        except OSError:
            continue


def _row(path: Path, data: Path, written: float, job: str) -> tuple[Any, ...] | None:
    """What the history keeps of a file; None for one that is not whole or says nothing of how it was made."""
    from modules.infotext.parse import parse
    from modules.infotext.picture_metadata import read_picture_metadata

    try:
        with open_picture(path) as image:
            size = image.size
        infotext = read_picture_metadata(path).infotext
    except (*UNREADABLE, EaselError):
        return None
    if not infotext or "Steps" not in parse(infotext).fields:
        return None
    # The hash of the pixels would have every picture unpacked, of which there may be many.
    return file_row(path, infotext, size, data, written=written, pixels=None, job=job)
