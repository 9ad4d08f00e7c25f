"""Pictures that lie in folders, of A1111 or of an Easel before, taken into the history on demand."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.application.history import History, file_row
from modules.application.history_files import TRASH
from modules.foundation.errors import EaselError
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.generation.progress import RunControl
from modules.imaging.pixel_hash import pixel_hash
from modules.infotext.picture_metadata import read_picture_metadata

if TYPE_CHECKING:
    from modules.application.application import Application

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif"})
AT_ONCE = 50
"""Pictures that are read before they are written into the database together."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How many pictures of a folder are new in the history, were in it, or could not be read."""

    added: int
    known: int
    unreadable: int


def take_folder(history: History, folder: Path, control: RunControl) -> Taken:
    """Take the pictures of a folder and the folders in it into the history, the oldest first. Files stay where they
    are. Raises Interrupted; what was taken until then is kept."""
    paths = sorted(_pictures(folder, history.data / TRASH), key=_modified)
    rows: list[tuple[Any, ...]] = []
    added = known = unreadable = 0
    for index, path in enumerate(paths):
        control.at(index / len(paths), "reading pictures")
        if history.at_path(path) is not None:
            known += 1
        elif (row := _row(path, history.data)) is None:
            unreadable += 1
        else:
            rows.append(row)
            added += 1
        if len(rows) >= AT_ONCE or control.stopping:
            history.insert(rows)
            rows.clear()
        control.check()
    history.insert(rows)
    return Taken(added=added, known=known, unreadable=unreadable)


def parameters_of_pixels(app: Application, path: Path) -> str:
    """What the history knows of a picture file by its pixels alone; "" where it does not know them."""
    try:
        with open_picture(path) as image:
            known = app.jobs.recorder.history.with_pixels(pixel_hash(image))
    except (EaselError, *UNREADABLE):  # the history cannot be read now, or the file never
        return ""
    return known.infotext if known is not None else ""


def _pictures(folder: Path, trash: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        base = Path(parent)
        folders[:] = [name for name in folders if not name.startswith(".") and base / name != trash]
        yield from (base / name for name in names if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _row(path: Path, data: Path) -> tuple[Any, ...] | None:
    try:
        infotext, written = read_picture_metadata(path).infotext or "", path.stat().st_mtime
        with open_picture(path) as image:
            return file_row(path, infotext, image.size, data, written=written, pixels=pixel_hash(image))
    except (EaselError, *UNREADABLE) as error:
        log.info("%s is not taken into the history: %s", path, error)
        return None
