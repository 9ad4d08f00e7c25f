"""Where pictures go that are dropped on the page: into the data folder, or one of the user's choice."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile

from modules.settings.model import Settings
from modules.settings.paths import Paths

log = logging.getLogger(__name__)

VARIABLE = "GRADIO_TEMP_DIR"

OWN_FOLDER = "cache/uploads"
"""Where in the data folder uploads go."""

_HASH = re.compile(r"[0-9a-f]{64}")
"""Gradio's names for the folders in which it puts uploads, one a file."""


def use_temp_dir(settings: Settings, paths: Paths) -> None:
    """Have Gradio keep uploads in the data folder, or where the settings say. To be called before the page is built.

    The data folder's are gone at each start. In a folder of the user's choice only folders that Gradio made are
    emptied, whatever else lies there, and only if that is wanted. One that GRADIO_TEMP_DIR names is left as it is.
    """
    chosen, own = settings.temp_dir.strip(), paths.data / OWN_FOLDER
    # After a restart from the page the variable is there already, as this function has set it.
    if not chosen and os.environ.get(VARIABLE) not in (None, "", str(own.resolve())):
        return
    folder = paths.data / Path(chosen).expanduser() if chosen else own
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if settings.clean_temp_dir_at_start or not chosen:
            _empty(folder, everything=folder == own)
    except OSError as error:
        log.warning(
            "The folder for uploads %s cannot be used: %s. The system's is used instead.", folder, error.strerror
        )
        return
    os.environ[VARIABLE] = str(folder.resolve())


def forget_broken_uploads() -> None:
    """Have Gradio remove the files of uploads that are broken off or refused, and of parts that it does not ask for.

    Of itself it does so where a form is malformed; the others would lie on the disk until the next start.
    """
    from gradio.route_utils import GradioMultiPartParser

    parse = GradioMultiPartParser.parse
    if parse.__module__ == __name__:  # done already
        return

    async def parse_or_forget(self: GradioMultiPartParser) -> FormData:
        opened: list[Any] = vars(self)["_files_to_close_on_error"]
        try:
            form = await parse(self)
        except BaseException:
            _remove(opened)
            raise
        if self.upload_dir is not None:
            wanted: set[Any] = {part.file for part in form.getlist("files") if isinstance(part, UploadFile)}
            _remove(file for file in opened if file not in wanted)
        return form

    GradioMultiPartParser.parse = parse_or_forget


def _remove(files: Iterable[Any]) -> None:
    for file in files:
        file.close()
        Path(file.name).unlink(missing_ok=True)


def _empty(folder: Path, *, everything: bool) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink() and (everything or _HASH.fullmatch(entry.name)):
            shutil.rmtree(entry, ignore_errors=True)
        elif everything:  # an upload that was broken off
            entry.unlink(missing_ok=True)
