"""Aesthetic embeddings made of pictures: the vectors that CLIP gives for them, and their mean in a file."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import RequestError, SaveError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.generation.progress import RunControl
from modules.interrogate.options import InterrogateOptions
from modules.pipeline.engine import Engine
from modules.pipeline.folder_batch import picture_files
from modules.settings.model import Settings
from modules.text_encoders.aesthetic_embeddings import mean_vector

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AestheticResult:
    """The file that was written, of how many pictures, and which could not be read."""

    path: Path
    pictures: int
    failed: tuple[Path, ...] = ()


def make_aesthetic_embedding(
    folder: Path, path: Path, engine: Engine, control: RunControl, settings: Settings
) -> AestheticResult:
    """Write the mean of the pictures in `folder` to `path`, a .pt file that other programs read too.

    A picture that cannot be read is left out. Raises RequestError for a folder without pictures and where CLIP is
    missing, CheckpointError for a CLIP that cannot be used, SaveError, and Interrupted without having written anything.
    """
    files = picture_files(folder)
    control.begin(len(files))
    vectors: list[torch.Tensor] = []
    failed: list[Path] = []
    with engine.interrogators.at_work(InterrogateOptions.of(settings)):
        for number, file in enumerate(files):
            control.begin_batch(number, 0)
            control.check()
            try:
                with open_picture(file) as opened:
                    opened.load()
                    image = opened.copy()
            except UNREADABLE as error:
                log.error("%s was left out: it is no picture that can be read (%s)", file, reason_of(error))
                failed.append(file)
                continue
            vectors.append(engine.interrogators.picture_vector(image, control))
    if not vectors:
        raise RequestError(f"There are no pictures in {folder} that can be read.", "folder")
    mean = mean_vector(torch.stack(vectors).cpu(), path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as opened_file:
            torch.save(mean[None], opened_file)
    except OSError as error:
        raise SaveError(f"{path} could not be written ({reason_of(error)}).") from error
    return AestheticResult(path=path, pictures=len(vectors), failed=tuple(failed))
