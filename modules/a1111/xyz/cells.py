"""Finished cells of a plot in files, so that memory stays flat and a job that was killed makes none of them again.

Each job has a folder, which goes when the plot is whole. A job that is tried again has the same id, finds it, and makes
what is missing. A cell is known by its place, its labels and its whole request, so nothing else is taken for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from PIL import Image

from modules.application.jobs.serialise import NotKeepable, to_text
from modules.foundation.atomic import atomic_write, write_json
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.plain import JsonObject
from modules.generation.request import GenerationRequest

log = logging.getLogger(__name__)

KEPT_DAYS = 14
"""Folders of unfinished plots that are not resumed are removed after this time."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One finished cell: its text and values, and where its picture is: in a file or, where that failed, in memory.

    `fields` are those of its parameters text, `info` the `info` object of its run, `saved` the picture among the
    outputs.
    """

    infotext: str
    prompt: str
    negative_prompt: str
    seed: int
    subseed: int
    size: tuple[int, int]
    fields: JsonObject = field(default_factory=JsonObject)
    info: JsonObject = field(default_factory=JsonObject)
    comments: str = ""
    saved: str | None = None
    complete: bool = True
    file: Path | None = None
    picture: Image.Image | None = None

    def opened(self) -> Image.Image:
        """The picture, read again where it is in a file."""
        if self.picture is not None:
            return self.picture
        assert self.file is not None
        with open_picture(self.file) as picture:
            picture.load()
            return picture


class KeptCells:
    """The folder of one job's cells below `root`."""

    def __init__(self, root: Path, job_id: str) -> None:
        self._root = root
        self.folder = root / hashlib.sha256(job_id.encode()).hexdigest()[:20]

    def remembered(self, name: str, make: list[Any]) -> list[Any]:
        """`make`, or what was remembered under this name before: the seeds that were chosen for an axis."""
        file = self.folder / f"{name}.json"
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            with contextlib.suppress(OSError, TypeError):
                write_json(file, make)
            return make

    def find(self, key: str | None) -> Cell | None:
        """The cell of this key that was finished before, or None."""
        if key is None:
            return None
        picture, notes = self._files(key)
        try:
            record: dict[str, Any] = json.loads(notes.read_text(encoding="utf-8"))
            with open_picture(picture) as image:
                record |= {"size": image.size, "file": picture}
            return Cell(**record)
        except UNREADABLE:
            return None

    def keep(self, key: str | None, cell: Cell) -> Cell:
        """The cell with its picture in a file instead of memory. On a full disk it stays in memory."""
        if key is None or cell.picture is None:
            return cell
        picture, notes = self._files(key)
        record = {each.name: getattr(cell, each.name) for each in fields(cell) if each.name not in ("picture", "file")}
        try:
            with atomic_write(picture, durable=False) as file:
                cell.picture.save(file, "PNG", compress_level=1)
            if cell.complete:
                # Last, so that no cell is found whose picture is not whole.
                with atomic_write(notes, durable=False) as file:
                    file.write(json.dumps(record, default=str).encode())
        except OSError as error:
            log.warning("The cells of a plot cannot be kept in %s (%s) and stay in memory.", self.folder, error)
            return cell
        return replace(cell, file=picture, picture=None)

    def remove(self) -> None:
        """The plot is whole: its cells are no longer needed."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_old(self) -> None:
        """Remove what other jobs left long ago."""
        before = time.time() - KEPT_DAYS * 86400
        with contextlib.suppress(OSError):
            for folder in self._root.iterdir():
                if folder.stat().st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)

    def _files(self, key: str) -> tuple[Path, Path]:
        return self.folder / f"{key}.png", self.folder / f"{key}.json"


def key_of(request: GenerationRequest, place: Sequence[int], labels: Sequence[str]) -> str | None:
    """What a cell is known by; None for a request that cannot be written down."""
    try:
        text, _pictures = to_text(request)
    except NotKeepable:
        return None
    return hashlib.sha256(repr((tuple(place), tuple(labels), text)).encode()).hexdigest()[:32]
