"""Where pictures go that are dropped on the page: a folder of the user's choice, emptied at the start if wanted."""

from __future__ import annotations

import logging
import os
import re
import shutil
from pathlib import Path

from modules.settings.model import Settings
from modules.settings.paths import Paths

log = logging.getLogger(__name__)

_HASH = re.compile(r"[0-9a-f]{64}")
"""Gradio's names for the folders in which it puts uploads, one a file."""


def use_temp_dir(settings: Settings, paths: Paths) -> None:
    """Have Gradio keep uploads in the folder that the settings name. To be called before the page is built.

    Only folders that Gradio made are emptied, whatever else lies in the chosen one.
    """
    if not settings.temp_dir.strip():
        return
    folder = paths.data / Path(settings.temp_dir.strip()).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if settings.clean_temp_dir_at_start:
            _empty(folder)
    except OSError as error:
        log.warning(
            "The folder for uploads %s cannot be used: %s. The system's is used instead.", folder, error.strerror
        )
        return
    os.environ["GRADIO_TEMP_DIR"] = str(folder.resolve())


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if _HASH.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
