"""Captions of pictures in text files beside them: for a folder, and where one lies there already."""

from __future__ import annotations

import logging
from pathlib import Path

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import Interrupted, RequestError, SaveError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.generation.captions import CaptionFiles, CaptionResult, ExistingCaption
from modules.generation.progress import RunControl
from modules.interrogate.options import InterrogateOptions
from modules.pipeline.engine import Engine
from modules.pipeline.folder_batch import picture_files
from modules.settings.model import Settings

log = logging.getLogger(__name__)


def run_caption_files(
    request: CaptionFiles, engine: Engine, control: RunControl, settings: Settings | None = None
) -> CaptionResult:
    """Write the caption of each picture into its text file. One that fails is noted, and the others go on.

    Raises RequestError where there is no picture or a model's file is missing, CheckpointError for one that cannot be
    used, SaveError for a text that cannot be written: the next ones could not be either.
    """
    settings = settings or engine.settings.current
    options = InterrogateOptions.of(settings)
    files = request.files or (picture_files(request.input_folder) if request.input_folder is not None else ())
    if not files:
        raise RequestError("There are no pictures to describe.", "input_dir")
    engine.interrogators.catalogue.find(request.model, "model")
    control.begin(len(files))
    written: list[Path] = []
    failed: list[tuple[Path, str]] = []
    interrupted = False
    with engine.interrogators.at_work(options):
        for number, path in enumerate(files):
            control.begin_batch(number, 0)
            if control.stopping:
                interrupted = True
                break
            try:
                written.append(_described(path, request, engine, control, settings))
            except Interrupted:
                interrupted = control.interrupted
                if interrupted:
                    break
            except RequestError as error:
                log.error("%s was left out: %s", path, error)
                failed.append((path, str(error)))
    control.at_phase("done")
    return CaptionResult(written=tuple(written), failed=tuple(failed), total=len(files), interrupted=interrupted)


def _described(path: Path, request: CaptionFiles, engine: Engine, control: RunControl, settings: Settings) -> Path:
    try:
        with open_picture(path) as opened:
            opened.load()
            image = opened.copy()
    except UNREADABLE as error:
        raise RequestError(f"{path.name} is no picture that can be read ({reason_of(error)}).", "image") from error
    target = caption_file(path, request.output_folder)
    text = engine.interrogators.describe(image, request.model, InterrogateOptions.of(settings), control)
    write_caption(target, text, settings.postprocessing_existing_caption_action)
    return target


def caption_file(picture: Path, folder: Path | None = None) -> Path:
    """The text file of a picture, beside it or in `folder`."""
    return (folder or picture.parent) / f"{picture.stem}.txt"


def write_caption(target: Path, caption: str, existing: ExistingCaption, before: Path | None = None) -> None:
    """Write a caption; `existing` says what becomes of the one in `target`, or else in `before`.

    Raises SaveError naming the file.
    """
    try:
        former = "" if existing == "Ignore" else _former(target, before)
        text = merged_caption(former, caption, existing)
        if text:
            with atomic_write(target) as file:
                file.write(text.encode("utf-8"))
    except OSError as error:
        raise SaveError(f"The caption could not be written to {target}: {error.strerror}.") from error


def _former(target: Path, before: Path | None) -> str:
    for path in (target, before):
        if path is not None and path.is_file():
            try:
                return path.read_text(encoding="utf-8-sig").strip()
            except UnicodeError as error:
                raise RequestError(
                    f"{path} holds a caption that is not in UTF-8 ({reason_of(error)}). Save it in UTF-8, or have "
                    "captions replaced (the setting for captions that lie beside the picture already: Ignore).",
                    "postprocessing_existing_caption_action",
                ) from error
    return ""


def merged_caption(former: str, caption: str, existing: ExistingCaption) -> str:
    """A caption together with the one that was there.

    >>> [merged_caption("a", "b", action) for action in ("Ignore", "Keep", "Prepend", "Append")]
    ['b', 'a', 'a b', 'b a']
    """
    if former and existing == "Keep":
        return former
    parts = {"Prepend": (former, caption), "Append": (caption, former)}.get(existing, ("", caption))
    return " ".join(part for part in parts if part).strip()
