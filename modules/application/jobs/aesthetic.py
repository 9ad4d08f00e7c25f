"""Aesthetic embeddings made of a folder of pictures, as jobs of the queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.jobs.job import TaskJob
from modules.application.training import named_folder
from modules.foundation.errors import RequestError
from modules.generation.progress import RunControl

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.pipeline.aesthetic_pictures import AestheticResult

KIND = "aesthetic embedding"
MOST_CHARACTERS = 100


def submit_aesthetic_embedding(app: Application, folder: str, name: str) -> TaskJob[AestheticResult]:
    """Queue an embedding called `name` of the pictures in `folder`, with the settings of this moment.

    Raises RequestError at once for a name that is none or is taken, a folder that is not there and a missing CLIP, and
    Forbidden where files may not be written.
    """
    app.policy.check_files("Making an aesthetic embedding")
    name = name.strip().removesuffix(".pt")
    if not name or len(name) > MOST_CHARACTERS or Path(name).name != name or name.startswith(".") or "\0" in name:
        raise RequestError(f"{name[:MOST_CHARACTERS]!r} cannot be the name of a file. Choose another.", "name")
    known = app.aesthetic_embeddings
    if name.casefold() in {each.casefold() for each in known.all()}:
        raise RequestError(f"There is an aesthetic embedding {name!r} already. Choose another name.", "name")
    source = named_folder(app, folder, "folder")
    if not source.is_dir():
        raise RequestError(f"{source} is not a folder that exists. Check its name.", "folder")
    if app.captioners.clip_file is None:
        raise RequestError(f"An aesthetic embedding is made with CLIP. {app.captioners.clip_lack}", "folder")
    settings, path = app.settings.current, known.folders[0] / f"{name}.pt"

    def work(control: RunControl) -> AestheticResult:
        from modules.pipeline.aesthetic_pictures import make_aesthetic_embedding

        return make_aesthetic_embedding(source, path, app.engine, control, settings)

    return app.submit_task(TaskJob(work, kind=KIND, title=f"Aesthetic embedding {name}"))
