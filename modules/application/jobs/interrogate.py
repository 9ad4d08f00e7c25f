"""Describing pictures, one or a folder full, as jobs of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.application.jobs.job import TaskJob
from modules.generation.captions import CaptionFiles, CaptionResult
from modules.generation.progress import RunControl
from modules.interrogate.options import InterrogateOptions

if TYPE_CHECKING:
    from PIL import Image

    from modules.application.application import Application

KIND = "interrogate"


def submit_interrogation(
    app: Application, image: Image.Image, model: str, field: str | None = "model", *, ranks: bool = True
) -> TaskJob[str]:
    """Queue the description of a picture by `model`, with the settings of this moment; without `ranks` it names none.

    Raises UnknownName or RequestError at once for a model that is not there.
    """
    name = app.captioners.find(model, field).name
    options = InterrogateOptions.of(app.settings.current)
    options = options if ranks else options.without_ranks

    def work(control: RunControl) -> str:
        control.begin(1)
        return app.engine.interrogators.describe(image, name, options, control, field)

    return app.submit_task(TaskJob(work, kind=KIND, title=f"Describing a picture with {name}"))


def submit_captions(app: Application, request: CaptionFiles) -> TaskJob[CaptionResult]:
    """Queue captions for a folder of pictures. Raises as `submit_interrogation`."""
    app.captioners.find(request.model, "model")
    settings = app.settings.current

    def work(control: RunControl) -> CaptionResult:
        from modules.pipeline.captions import run_caption_files

        return run_caption_files(request, app.engine, control, settings)

    where = request.input_folder or f"{len(request.files)} pictures"
    return app.submit_task(TaskJob(work, kind=KIND, title=f"Captions for {where}"))
