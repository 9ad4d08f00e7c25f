"""img2img over many files, as a job of the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.jobs.job import TaskJob
from modules.application.jobs.serialise import from_text, to_text
from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonMapping
from modules.generation.folder_batch import FolderBatch, FolderBatchResult
from modules.generation.progress import RunControl
from modules.settings.model import Settings

if TYPE_CHECKING:
    from modules.application.application import Application

KIND = "img2img batch"

FolderBatchWork = Callable[[RunControl], FolderBatchResult]


def submit_folder_batch(app: Application, batch: FolderBatch, job_id: str | None = None) -> TaskJob[FolderBatchResult]:
    """Queue img2img over many files, with the settings of this moment. Its progress counts files.

    Raises RequestError at once for folders that are not there, Forbidden for settings that clients may not choose.
    """
    app.policy.check_settings(batch.request.override_settings, app.settings.current)
    for folder, field in (
        (batch.input_folder, "input_dir"),
        (batch.mask_folder, "inpaint_mask_dir"),
        (batch.png_info_folder, "png_info_dir"),
    ):
        if folder is not None and not _is_there(folder):
            raise RequestError(f"{folder} is not a folder that exists. Check its name.", field)
    where = str(batch.input_folder) if batch.input_folder else f"{len(batch.files)} files"
    text, _ = to_text(batch)
    return app.submit_task(
        TaskJob(
            _work(app, batch, app.settings.current),
            kind=KIND,
            title=f"img2img over {where}",
            job_id=job_id,
            parameters={"asked": text},
        )
    )


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:  # a name that is too long for one, a share that does not answer
        return False


def keep_folder_batches(app: Application) -> None:
    """Let such jobs survive a restart; one that ran begins again."""

    def again(parameters: JsonMapping) -> FolderBatchWork:
        return _work(app, from_text(parameters["asked"], _no_pictures), None)

    app.jobs.register_kind(KIND, again)


def _work(app: Application, batch: FolderBatch, settings: Settings | None) -> FolderBatchWork:
    def work(control: RunControl) -> FolderBatchResult:
        from modules.pipeline.folder_batch import run_folder_batch

        return run_folder_batch(batch, app.engine, control, settings)

    return work


def _no_pictures(name: str) -> bytes:
    raise KeyError(name)
