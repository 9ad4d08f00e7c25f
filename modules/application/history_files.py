"""What people do with the files of the history's pictures: trash, restore, move, pack, list."""

from __future__ import annotations

import csv
import io
import shutil
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from modules.application.history import History, HistoryImage, stored_path
from modules.foundation.errors import EaselError, RequestError, reason_of
from modules.imaging.strip import without_metadata

TRASH = "trash"
"""The folder of what was thrown away, in the data folder: a folder a picture, so that no name is taken."""

COLUMNS = (
    *("number", "file", "created", "prompt", "negative_prompt", "model", "model_hash", "networks", "sampler"),
    *("width", "height", "seed", "rating", "favourite", "mark"),
)
"""The columns of the table that is made of pictures."""


@dataclass(kw_only=True)
class Done:
    """How many pictures something was done to, and a sentence for each that it could not be done to."""

    done: int = 0
    problems: list[str] = field(default_factory=list[str])


def trash(history: History, numbers: Sequence[int]) -> Done:
    """Put pictures into the trash: their files, with the texts beside them, into its folder."""
    outcome = Done()
    for image in list(history.with_numbers(numbers)):
        if image.trashed is not None:
            continue
        target = history.data / TRASH / image.id
        home = None if image.path is None else stored_path(image.path, history.data)
        if _moved(history, image, target, outcome):
            history.change([image.number], {"trashed": time.time(), "home": home})
            outcome.done += 1
    return outcome


def restore(history: History, numbers: Sequence[int]) -> Done:
    """Bring pictures back from the trash to where they lay; one whose place is taken gets a number behind its name."""
    outcome = Done()
    for image in list(history.with_numbers(numbers)):
        if image.trashed is None:
            continue
        home = history.home_of(image)
        if _moved(history, image, (home or history.data).parent, outcome):
            history.change([image.number], {"trashed": None, "home": None})
            outcome.done += 1
    return outcome


def erase(history: History, numbers: Sequence[int]) -> Done:
    """Delete pictures of the trash for good; those that are not in it stay."""
    outcome = Done()
    for image in list(history.with_numbers(numbers)):
        if image.trashed is None:
            continue
        try:
            if image.path is not None and image.path.parent.parent == history.data / TRASH:
                shutil.rmtree(image.path.parent)
        except FileNotFoundError:
            pass
        except OSError as error:
            outcome.problems.append(f"{image.path} cannot be deleted: {reason_of(error)}.")
            continue
        history.forget(image.id)
        outcome.done += 1
    return outcome


def move(history: History, numbers: Sequence[int], folder: Path) -> Done:
    """Move the files of pictures into `folder`, which is made. Raises RequestError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"The folder {folder} cannot be made: {reason_of(error)}.", "folder") from error
    outcome = Done()
    for image in list(history.with_numbers(numbers)):
        if image.path is None:
            outcome.problems.append(f"Picture {image.number} was never saved, so there is no file to move.")
        elif image.trashed is None and (image.path.parent == folder or _moved(history, image, folder, outcome)):
            outcome.done += 1
    return outcome


def pack(images: Iterable[HistoryImage], target: IO[bytes], *, bare: bool = False) -> Done:
    """Write the files of pictures into an archive, each under a name of its own: as they are, or without metadata."""
    outcome, taken = Done(), set[str]()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for image in images:
            if image.path is None:
                outcome.problems.append(f"Picture {image.number} was never saved.")
                continue
            name = (
                image.path.name
                if image.path.name not in taken
                else f"{image.path.stem}-{image.number}{image.path.suffix}"
            )
            try:
                if bare:
                    data, suffix = without_metadata(image.path.read_bytes(), image.path.suffix)
                    archive.writestr(f"{name.removesuffix(image.path.suffix)}{suffix}", data)
                else:
                    archive.write(image.path, name)
            except (OSError, ValueError, EaselError) as error:  # ValueError: a file from before 1980
                outcome.problems.append(f"{image.path} cannot be read: {reason_of(error)}.")
                continue
            taken.add(name)
            outcome.done += 1
    return outcome


def table(images: Iterable[HistoryImage]) -> str:
    """Pictures as CSV, a line each, with what people made of them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for image in images:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(image.created))
        values = {name: getattr(image, name, "") for name in COLUMNS}
        values |= {"file": image.path or "", "created": moment, "networks": " ".join(image.networks)}
        writer.writerow({**values, "favourite": int(image.favourite)})
    return text.getvalue()


def _moved(history: History, image: HistoryImage, folder: Path, outcome: Done) -> bool:
    """Move the file of a picture, if it has one, and the text beside it; whether what was wanted may go on."""
    if image.path is None or not image.path.exists():
        return True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = _free(folder / image.path.name)
        shutil.move(image.path, target)
        if (text := image.path.with_suffix(".txt")).is_file():
            shutil.move(text, target.with_suffix(".txt"))
        if image.path.parent.parent == history.data / TRASH and not any(image.path.parent.iterdir()):
            image.path.parent.rmdir()
    except OSError as error:
        outcome.problems.append(f"{image.path} cannot be moved to {folder}: {reason_of(error)}.")
        return False
    history.change([image.number], {"path": stored_path(target, history.data)})
    return True


def _free(path: Path) -> Path:
    """`path`, or the same with a number where there is a file of this name."""
    number, free = 1, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free
