"""Folders of pictures taken into the history as a job that goes on beside the pictures that are made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.history_import import Taken, take_folder
from modules.application.jobs.job import TaskJob
from modules.foundation.errors import RequestError
from modules.generation.progress import RunControl
from modules.pipeline.output_folders import output_folders

if TYPE_CHECKING:
    from modules.application.application import Application

KIND = "history"


def take_folders(app: Application, folder: str = "") -> TaskJob[Taken]:
    """Queue the reading of a folder, or of all output folders. Raises RequestError for one that is not there."""
    wanted = [Path(folder.strip()).expanduser()] if folder.strip() else output_folders(app.settings.current, app.paths)
    folders = [each.absolute() for each in wanted if each.is_dir()]
    if not folders:
        raise RequestError(f"There is no folder {folder or app.paths.outputs}. Check the path.", "folder")

    def work(control: RunControl) -> Taken:
        taken = [take_folder(app.jobs.recorder.history, each, control) for each in folders]
        app.jobs.recorder.events.tell("history", None, {"changed": sum(each.added for each in taken)})
        return Taken(
            added=sum(each.added for each in taken),
            known=sum(each.known for each in taken),
            unreadable=sum(each.unreadable for each in taken),
        )

    title = f"Pictures of {', '.join(map(str, folders))}"
    return app.submit_task(TaskJob(work, kind=KIND, title=title, lane="background"))
