"""folder_batch: img2img over the files of a folder, one run after another."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from modules.foundation.errors import EaselError, Interrupted, RequestError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.generation.folder_batch import BatchFile, FolderBatch, FolderBatchResult
from modules.generation.progress import RunControl
from modules.generation.request import SMALLEST_SIDE, GenerationRequest
from modules.generation.result import FinishedImage
from modules.infotext.parse import parse
from modules.infotext.picture_metadata import read_picture_metadata
from modules.infotext.restore import RestoreOptions, restore
from modules.pipeline.engine import Engine
from modules.pipeline.run import run
from modules.settings.model import Settings

log = logging.getLogger(__name__)

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif"})


class FileControl(RunControl):
    """The control of one file's run: wishes come from that of the whole batch, reports go there as a part of it."""

    def __init__(self, whole: RunControl, index: int, count: int) -> None:
        super().__init__()
        self._whole, self._index, self._count = whole, index, count

    @property
    def interrupted(self) -> bool:
        """Whether a client asked to stop at once."""
        return self._whole.interrupted

    @property
    def skipped(self) -> bool:
        """Whether a client asked to skip this file's batch."""
        return self._whole.skipped

    @property
    def stopping(self) -> bool:
        """Whether no further batch is to be started."""
        return self._whole.stopping

    def check(self) -> None:
        """Raise Interrupted when the work at hand should be left."""
        self._whole.check()

    def show(self, preview: Image.Image) -> None:
        """The newest view of the unfinished picture."""
        self._whole.show(preview)

    def begin_batch(self, index: int, steps: int) -> None:
        """A batch of this file starts; a wish to skip was for the one before."""
        self._whole.begin_batch(self._index, steps)
        super().begin_batch(index, steps)

    def at_step(self, step: int) -> None:
        """`step` sampling steps of this file's batch are done."""
        self._whole.at_step(step)
        super().at_step(step)

    def _tell(self, what: str) -> None:
        now = self.snapshot()
        phase = f"{now.phase} (file {self._index + 1} of {self._count})" if self._count > 1 else now.phase
        self._whole.at((self._index + now.fraction) / self._count, phase)


def picture_files(folder: Path, *, without: Iterable[Path | None] = ()) -> tuple[Path, ...]:
    """The picture files in a folder and below, by name, numbers by their value; those below `without` are left out.

    Raises RequestError for a folder that is not there.
    """
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder that exists. Check its name.", "input_dir")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
    others = [other.resolve() for other in without if other is not None and other.resolve() != folder.resolve()]
    kept = (path for path in found if not any(path.resolve().is_relative_to(other) for other in others))
    return tuple(sorted(kept, key=_natural))


def run_folder_batch(
    batch: FolderBatch, engine: Engine, control: RunControl, settings: Settings | None = None
) -> FolderBatchResult:
    """Make the pictures of every file. A file that fails is noted, and the others go on.

    Interrupting keeps what is done. Raises RequestError for folders that are not there or hold nothing.
    """
    settings = settings or engine.settings.current
    files = _files(batch)
    masks = _masks(batch)
    limit = settings.img2img_batch_show_results_limit
    done: list[BatchFile] = []
    shown: list[FinishedImage] = []
    interrupted = False
    control.begin(len(files))
    for index, path in enumerate(files):
        if control.stopping:
            interrupted = True
            break
        control.at(index / len(files), "loading")
        try:
            result = run(
                _request(batch, path, masks), engine, FileControl(control, index, len(files)), settings=settings
            )
        except Interrupted:
            interrupted = True
            break
        except (EaselError, OSError) as error:
            log.error("%s was left out: %s", path, error)
            done.append(BatchFile(source=path, error=str(error)))
            continue
        saved = tuple(image.path for image in result.images if image.path is not None)
        done.append(BatchFile(source=path, saved=saved, warnings=result.warnings))
        interrupted |= control.interrupted
        room = len(result.images) if limit < 0 else limit - len(shown)
        shown += result.images[: max(room, 0)]
    return FolderBatchResult(files=tuple(done), total=len(files), images=tuple(shown), interrupted=interrupted)


def _files(batch: FolderBatch) -> Sequence[Path]:
    files = batch.files
    if not files and batch.input_folder is not None:
        others = (batch.output_folder, batch.mask_folder, batch.png_info_folder)
        files = picture_files(batch.input_folder, without=others)
    if not files:
        where = f"in {batch.input_folder}" if batch.input_folder else "in the request"
        raise RequestError(f"There are no picture files {where}.", "input_dir")
    return files


def _masks(batch: FolderBatch) -> Mapping[str, Path]:
    """Masks by the stem of the file they belong to; a single one by "" for all."""
    if batch.mask_folder is None:
        return {}
    if not batch.mask_folder.is_dir():
        raise RequestError(f"{batch.mask_folder} is not a folder that exists. Check its name.", "inpaint_mask_dir")
    masks = picture_files(batch.mask_folder)
    if not masks:
        raise RequestError(f"There are no masks in {batch.mask_folder}.", "inpaint_mask_dir")
    return {"": masks[0]} if len(masks) == 1 else {path.stem: path for path in reversed(masks)}


def _request(batch: FolderBatch, path: Path, masks: Mapping[str, Path]) -> GenerationRequest:
    """The request for one file. Raises RequestError for a file or mask that cannot be used."""
    picture = ImageOps.exif_transpose(_opened(path))
    request, overrides = batch.request, dict(batch.request.override_settings)
    if batch.output_folder is not None:
        overrides |= _names_in(batch.output_folder, path, several=request.batch_size * request.batch_count > 1)
    changes: dict[str, Any] = {"init_images": (picture,), "override_settings": overrides}
    if batch.scale is not None:
        changes |= {
            "width": max(int(picture.width * batch.scale), SMALLEST_SIDE),
            "height": max(int(picture.height * batch.scale), SMALLEST_SIDE),
        }
    if batch.inpaint is not None and masks:
        mask = masks.get("") or masks.get(path.stem)
        if mask is None:
            raise RequestError(f"{batch.mask_folder} has no mask called {path.stem}.", "inpaint_mask_dir")
        changes["inpaint"] = batch.inpaint.with_mask(_opened(mask))
    if batch.png_info:
        changes |= _from_png_info(batch, path, overrides)
    return replace(request, **changes)


def _names_in(folder: Path, path: Path, *, several: bool) -> dict[str, Any]:
    """The settings that save results under the name of their file."""
    return {
        "samples_save": True,
        "outdir_samples": str(folder.absolute()),
        "save_to_dirs": False,
        "save_images_add_number": False,
        "save_images_replace_action": "Add number suffix",
        "samples_filename_pattern": f"{path.stem}-[generation_number]" if several else path.stem,
    }


def _from_png_info(batch: FolderBatch, path: Path, overrides: Mapping[str, object]) -> dict[str, Any]:
    """What a file's parameters replace in the request. A value that makes no sense is passed over."""
    text = read_picture_metadata((batch.png_info_folder or path.parent) / path.name).infotext
    if not text:
        return {}
    values = {key: value for key, value in restore(parse(text), RestoreOptions()).items() if key in batch.png_info}
    request, changes = batch.request, dict[str, Any]()
    for label, field in (("Prompt", "prompt"), ("Negative prompt", "negative_prompt")):
        if more := str(values.get(label, "")):
            changes[field] = f"{getattr(request, field)} {more}".strip()
    for label, field, kind in (("Seed", "seed", int), ("Steps", "steps", int), ("CFG scale", "cfg_scale", float)):
        try:
            changes[field] = kind(values[label])
        except (KeyError, ValueError):
            continue
    if sampler := values.get("Sampler"):
        changes["sampler"] = str(sampler)
    if checkpoint := values.get("Model hash"):
        changes["override_settings"] = {**overrides, "sd_model_checkpoint": str(checkpoint)}
    return changes


def _opened(path: Path) -> Image.Image:
    try:
        image = open_picture(path.read_bytes())
        image.load()
    except UNREADABLE as error:
        raise RequestError(f"{path.name} is no picture that can be read ({reason_of(error)}).") from error
    return image


def _natural(path: Path) -> list[tuple[int, int | str]]:
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
