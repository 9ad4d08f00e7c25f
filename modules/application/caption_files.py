"""Captions beside pictures, edited over a whole folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.jobs.interrogate import submit_captions
from modules.application.training import named_folder
from modules.foundation.atomic import atomic_write
from modules.foundation.errors import RequestError, SaveError
from modules.foundation.text_files import read_text
from modules.generation.captions import CaptionFiles, CaptionResult
from modules.training.tags import TagEdit, edited

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.application.jobs.job import TaskJob

EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class CaptionsEdited:
    """How many captions there are and how many changed; a few of those as (file, before, after)."""

    captions: int
    changed: int
    examples: tuple[tuple[str, str, str], ...] = ()


def describe_folder(app: Application, folder: str, model: str) -> TaskJob[CaptionResult]:
    """Queue captions by `model` for the pictures in a folder and below; what becomes of old ones a setting says.

    Raises RequestError for a folder that is not there or a model whose files are missing, UnknownName, Forbidden.
    """
    app.policy.check_files("Writing captions")
    where = named_folder(app, folder, "folder")
    if not where.is_dir():
        raise RequestError(f"{where} is not a folder that exists. Check its name.", "folder")
    return submit_captions(app, CaptionFiles(model=model, input_folder=where))


def edit_captions(app: Application, folder: str, edit: TagEdit, *, write: bool) -> CaptionsEdited:
    """Edit the text files beside pictures in a folder and its sub-folders; without `write` only tell what would change.

    Raises RequestError for a folder that is not there or has no captions, Forbidden on an open network, SaveError.
    """
    app.policy.check_files("Editing captions")
    where = named_folder(app, folder, "folder")
    if not where.is_dir():
        raise RequestError(f"{where} is not a folder that exists. Check its name.", "folder")
    if edit.does_nothing:
        raise RequestError("Nothing is to be done to the captions. Choose what.", "find")
    count, changes = 0, list[tuple[Path, str, str]]()
    for path in _captions(where):
        before = read_text(path).strip()
        count += 1
        if (after := edited(before, edit)) != before:
            changes.append((path, before, after))
    if not count:
        raise RequestError(f"There is no text file beside a picture in {where}.", "folder")
    for path, _, after in changes if write else ():
        try:
            with atomic_write(path) as file:
                file.write(after.encode())
        except OSError as error:
            raise SaveError(f"{path} could not be written: {error.strerror}. Those before it were.") from error
    examples = tuple((path.name, before, after) for path, before, after in changes[:EXAMPLES])
    return CaptionsEdited(captions=count, changed=len(changes), examples=examples)


def _captions(folder: Path) -> Iterator[Path]:
    """The text files that have a picture of their name beside them."""
    from modules.training.dataset import SUFFIXES

    for where, folders, names in os.walk(folder):
        folders.sort()
        pictures = {Path(name).stem for name in names if Path(name).suffix.lower() in SUFFIXES}
        for name in sorted(names):
            if name.endswith(".txt") and Path(name).stem in pictures:
                yield Path(where) / name
