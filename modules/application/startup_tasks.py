"""Tasks at the start, in the background: cleaning up after a killed Easel or a damaged database."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modules.application.crash_recovery import note_unnoted, remove_half_done
from modules.foundation.errors import EaselError
from modules.pipeline.output_folders import other_folders, output_folders

if TYPE_CHECKING:
    from modules.application.application import Application

log = logging.getLogger(__name__)

STARTED, IN_ORDER = "started", "ended in order"
"""Facts in the database: when the last Easel began, and whether it came to its end."""

BEING_SAVED = 5.0
"""Seconds within which a saved picture is still being put into the history by the run that saved it."""


class StartupTasks:
    """Clears up after an Easel that was killed, and after a damaged database, on a thread of its own."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._begun = False

    def begin(self) -> None:
        """Look at what was left, once what waited has been taken over."""
        self._begun = True
        self._in_background(self._clear_up)

    def rebuild(self) -> None:
        """Put all saved pictures into the history, which has lost some or all of them."""
        self._in_background(lambda: self._note(0.0, time.time() - BEING_SAVED))

    def close(self) -> None:
        """Stop, and remember that this end is an orderly one."""
        self._stop.set()
        if self._begun:
            self._app.jobs.recorder.remember(IN_ORDER, "1")

    def _clear_up(self) -> None:
        app = self._app
        remove_half_done(self._folders(), app.paths.data, app.created)
        database = app.jobs.recorder.database
        started, in_order = database.fact(STARTED), database.fact(IN_ORDER)
        if started is not None and in_order != "1":
            self._note(float(started) - BEING_SAVED, app.created)
        if not self._stop.is_set():
            database.remember(STARTED, repr(app.created))
            database.remember(IN_ORDER, "0")

    def _note(self, since: float, until: float) -> None:
        app, settings = self._app, self._app.settings.current
        folders, others = output_folders(settings, app.paths), other_folders(settings, app.paths)
        history = app.jobs.recorder.history
        note_unnoted(history, folders, app.paths.data, others=others, written=(since, until), stop=self._stop)

    def _folders(self) -> list[Path]:
        """Where files are written under a hidden name first."""
        app = self._app
        kinds = ("checkpoint", "vae", "lora", "hypernetwork", "embedding", "upscaler")
        further = app.settings.current.further_model_folders
        models = [folder for kind in kinds for folder in app.paths.folders(kind, further)]
        return [*output_folders(app.settings.current, app.paths), app.paths.data / "cache", *models]

    def _in_background(self, work: Callable[[], None]) -> None:
        def run() -> None:
            with self._one_at_a_time:
                try:
                    work()
                except (EaselError, sqlite3.Error, ValueError) as error:
                    log.warning("What an earlier Easel left could not be looked through: %s", error)

        threading.Thread(target=run, name="after start", daemon=True).start()
