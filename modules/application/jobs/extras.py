"""Extras over files, as a job of the queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.jobs.job import TaskJob
from modules.foundation.errors import Forbidden, RequestError, reason_of
from modules.generation.extras import NO_UPSCALER, Captioning, ExtrasFiles, ExtrasResult, FaceRestoring, Upscaling
from modules.generation.progress import RunControl

if TYPE_CHECKING:
    from modules.application.application import Application

KIND = "extras"


def submit_extras(app: Application, batch: ExtrasFiles, job_id: str | None = None) -> TaskJob[ExtrasResult]:
    """Queue extras over files, with the settings of this moment.

    Raises RequestError or UnknownName at once for folders that are not there and names that cannot be used.
    """
    _check(app, batch)
    settings = app.settings.current

    def work(control: RunControl) -> ExtrasResult:
        from modules.pipeline.extras_files import run_extras_files

        return run_extras_files(batch, app.engine, control, settings)

    return app.submit_task(TaskJob(work, kind=KIND, title=_title(batch), job_id=job_id))


def chosen_folder(app: Application, name: str, field: str) -> Path | None:
    """The folder that a client names, which need not exist; None for an empty name.

    Raises Forbidden where strangers may not choose folders, RequestError for a name that no folder can have.
    """
    if not name.strip():
        return None
    if app.policy.is_open:
        raise Forbidden(
            "Everybody on the network may use this Easel (--listen without --gradio-auth), so no folders can be chosen "
            "from here. Start it with --gradio-auth, or upload the files.",
            field,
        )
    try:
        folder = app.paths.data / Path(name.strip()).expanduser()
        folder.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise RequestError(f"This is no name that a folder can have ({reason_of(error)[:100]}).", field) from error
    return folder


def _check(app: Application, batch: ExtrasFiles) -> None:
    if batch.input_folder is not None and not batch.input_folder.is_dir():
        raise RequestError(f"{batch.input_folder} is not a folder that exists. Check its name.", "input_dir")
    for step in batch.steps:
        match step:
            case Upscaling():
                app.upscalers.find(step.upscaler, "upscaler_1")
                app.upscalers.find(step.second_upscaler or NO_UPSCALER, "upscaler_2")
            case FaceRestoring():
                app.restorers.find(step.restorer, f"{step.restorer.lower()}_visibility")
            case Captioning():
                for model in step.models:
                    app.captioners.find(model, "Caption")
            case _:
                pass


def _title(batch: ExtrasFiles) -> str:
    if batch.input_folder is not None:
        return f"Extras over {batch.input_folder}"
    if len(batch.files) == 1:
        return f"Extras on {batch.files[0].name}"
    return f"Extras on {len(batch.files)} pictures"
