"""extras_files: extras over files, one after another, each result a file of its own."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from PIL import Image

from modules.foundation.errors import EaselError, Interrupted, RequestError, SaveError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.generation.extras import ExtrasFile, ExtrasFiles, ExtrasResult, SavedExtra, Upscaling
from modules.generation.progress import RunControl
from modules.generation.size_limits import SizeLimits
from modules.imaging.encode import PictureText
from modules.imaging.filenames import NameContext
from modules.imaging.resize import upscaled_size
from modules.imaging.rows import texts_of
from modules.imaging.save import SaveOptions, planned_path, save_picture
from modules.infotext.picture_metadata import read_picture_metadata
from modules.interrogate.options import InterrogateOptions
from modules.pipeline.captions import caption_file, write_caption
from modules.pipeline.engine import Engine
from modules.pipeline.extras import (
    POSTPROCESSING,
    ExtrasImage,
    Stage,
    check_size,
    stages_of,
    told_of,
    worked,
)
from modules.pipeline.folder_batch import picture_files
from modules.pipeline.output_folders import sample_options
from modules.settings.model import Settings

log = logging.getLogger(__name__)

IN_MEMORY = 2**27
"""Pixels of a result that is made in memory. Larger ones are written row by row, where the steps allow that."""

MOST_UNSAVED = 8
"""Pictures that are kept in memory where they cannot be saved."""

STREAMED = SizeLimits(side=2**18, pixels=2**33)
"""How large a picture may become that is written row by row."""


class _Name(TypedDict):
    """How a result is called: as its source, or by a number."""

    forced_name: str | None
    suffix: str
    short_name: bool


def run_extras_files(
    batch: ExtrasFiles, engine: Engine, control: RunControl, settings: Settings | None = None
) -> ExtrasResult:
    """Take the steps with every file. One that fails is noted, and the others go on.

    Skipping leaves one file out; interrupting keeps what is done. Names are looked up before any work. Raises
    RequestError for them and for folders that are not there or hold nothing, CheckpointError.
    """
    settings = settings or engine.settings.current
    files = _files(batch)
    options = _options(batch, engine, settings)
    work = _Work(batch, engine, control, settings, options)
    control.begin(len(files) * max(len(work.stages), 1))
    done: list[ExtrasFile] = []
    interrupted, skipped = False, 0
    with engine.interrogators.at_work(InterrogateOptions.of(settings)):
        for index, path in enumerate(files):
            if control.stopping:
                interrupted = True
                break
            try:
                done.append(work.on(path, index))
            except Interrupted:
                if control.interrupted:
                    interrupted = True
                    break
                skipped += 1
            except (EaselError, OSError) as error:
                log.error("%s was left out: %s", path, error)
                done.append(ExtrasFile(source=path, error=str(error)))
    control.at_phase("done")
    return ExtrasResult(files=tuple(done), total=len(files), interrupted=interrupted, skipped=skipped)


def _files(batch: ExtrasFiles) -> Sequence[Path]:
    files = batch.files
    if not files and batch.input_folder is not None:
        files = picture_files(batch.input_folder, without=[batch.output_folder])
    if not files:
        where = f"in {batch.input_folder}" if batch.input_folder else "to work on"
        raise RequestError(f"There are no picture files {where}.", "input_dir")
    return files


def _options(batch: ExtrasFiles, engine: Engine, settings: Settings) -> SaveOptions:
    """Where and how results are saved: in no folders by date, as the extras tab has always done it."""
    options = replace(sample_options(settings, engine.paths, engine.flags, "extras"), save_to_dirs=False)
    if batch.output_folder is not None:
        options = replace(options, folder=batch.output_folder)
    return options


class _Work:
    """What is done with each file of one request."""

    def __init__(
        self, batch: ExtrasFiles, engine: Engine, control: RunControl, settings: Settings, options: SaveOptions
    ) -> None:
        self._batch_request, self._engine, self._control = batch, engine, control
        self._settings, self._options = settings, options
        self.stages: list[Stage] = stages_of(batch.steps, engine, settings, control)
        self._named = batch.output_folder is not None or (batch.several and settings.use_original_name_batch)
        upscalers = [step.upscaler for step in batch.steps if isinstance(step, Upscaling)]
        self._unsaved = 0
        self._suffix = f"-{upscalers[0]}" if settings.use_upscaler_name_as_suffix and upscalers else ""

    def on(self, path: Path, index: int) -> ExtrasFile:
        """What comes of one file."""
        self._control.begin_batch(index * max(len(self.stages), 1), 0)
        self._control.at_phase("loading")
        with _opened(path) as image:
            size = image.size
            if (step := self._streamable(size)) is not None:
                return self._streamed(path, step, size)
            try:
                image.load()
            except UNREADABLE as error:
                raise _unreadable(path, error) from error
            pictures = worked(image, index, self.stages, self._control)
        self._control.at_phase("saving")
        return self._saved(path, pictures)

    def _streamable(self, size: tuple[int, int]) -> Upscaling | None:
        """The step that makes a picture too large for the memory; None where it does not become so large.

        Raises RequestError for one that becomes too large, and with steps that need it as a whole.
        """
        steps = [each for each in self._batch_request.steps if isinstance(each, Upscaling)]
        large = [step for step in steps if self._pixels(size, step) > IN_MEMORY]
        if not large:
            return None
        step, info = large[0], self._engine.upscalers.find(large[0].upscaler)
        mixed = step.second_visibility > 0 and self._engine.upscalers.find(step.second_upscaler).method != "none"
        if len(self.stages) > 1 or mixed or info.method not in ("model", "lanczos"):
            check_size(size, step)
            return None
        check_size(size, step, STREAMED)
        return step

    def _pixels(self, size: tuple[int, int], step: Upscaling) -> int:
        if self._engine.upscalers.find(step.upscaler).method == "none":
            return 0
        width, height = upscaled_size(*size, min(step.factor(size), 1e6))
        return width * height

    def _streamed(self, path: Path, step: Upscaling, size: tuple[int, int]) -> ExtrasFile:
        target = planned_path(self._names(), replace(self._options, extension="png"), **self._name_of(path))
        if target.exists():
            target = _free(target)
        crop = step.to_size if step.crop else None
        factor = step.factor(size)
        name = self._engine.upscalers.find(step.upscaler).name
        outcome = told_of(step, name, None, crop or upscaled_size(*size, factor))
        done = ", ".join(f"{key}: {value}" for key, value in outcome.items())
        made = self._engine.upscalers.upscale_file(
            path,
            target,
            factor,
            name,
            self._settings,
            crop=crop,
            texts={POSTPROCESSING: done} if self._settings.enable_pnginfo else None,
            control=self._control,
        )
        text = read_picture_metadata(texts_of(path)).infotext or ""
        warnings = () if self._options.extension == "png" else (f"{target.name} is a PNG: only that grows row by row.",)
        saved = SavedExtra(path=target, size=made, done=done, infotext=text)
        return ExtrasFile(source=path, saved=(saved,), warnings=warnings)

    def _saved(self, path: Path, pictures: Sequence[ExtrasImage]) -> ExtrasFile:
        saved: list[SavedExtra] = []
        warnings: list[str] = []
        problem: str | None = None
        for number, picture in enumerate(pictures):
            made = SavedExtra(
                path=None, size=picture.image.size, done=picture.done, infotext=picture.text.text, unsaved=picture.image
            )
            try:
                kept = save_picture(
                    picture.image,
                    self._names(picture.image),
                    self._safe_options(path),
                    text=picture.text if self._settings.enable_pnginfo else PictureText(),
                    **self._name_of(path, picture, number),
                )
            except SaveError as error:
                log.error("%s", error)
                problem, self._unsaved = str(error), self._unsaved + 1
                if self._unsaved > MOST_UNSAVED:
                    made = replace(made, unsaved=None)
            else:
                warnings += [kept.warning] if kept.warning else []
                made = replace(made, path=kept.path, unsaved=None)
                if picture.caption is not None:
                    existing = self._settings.postprocessing_existing_caption_action
                    write_caption(caption_file(kept.path), picture.caption, existing, caption_file(path))
            saved.append(made)
        return ExtrasFile(source=path, saved=tuple(saved), warnings=tuple(warnings), error=problem)

    def _safe_options(self, path: Path) -> SaveOptions:
        """A result never takes the place of the picture it was made of."""
        same = self._options.folder.resolve() == path.parent.resolve()
        return replace(self._options, replace=self._options.replace and not same)

    def _name_of(self, path: Path, picture: ExtrasImage | None = None, number: int = 0) -> _Name:
        tags = "".join(f"-{tag}" for tag in picture.tags) if picture is not None else ""
        suffix = self._suffix + (tags or (f"-{number}" if number and self._named else ""))
        return {"forced_name": path.stem if self._named else None, "suffix": suffix, "short_name": True}

    def _names(self, image: Image.Image | None = None) -> NameContext:
        return NameContext(now=datetime.datetime.now().astimezone(), image=image)


def _opened(path: Path) -> Image.Image:
    try:
        return open_picture(path)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: BaseException) -> RequestError:
    return RequestError(f"{path.name} is no picture that can be read ({reason_of(error)}).", "image")


def _free(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    return free
