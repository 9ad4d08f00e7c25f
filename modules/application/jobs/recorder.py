"""The recorder hears of every change in the queue, writes it to the database and tells those who listen to events."""

from __future__ import annotations

import contextlib
import functools
import logging
import sqlite3
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from modules.application.database import Database
from modules.application.events import Events
from modules.application.history import History
from modules.application.jobs.job import Job, JobState
from modules.application.jobs.store import JobStore
from modules.foundation.errors import EaselError
from modules.generation.result import FinishedImage, GenerationResult

log = logging.getLogger(__name__)

PRUNE_EVERY = 50
"""Ended jobs from one pruning to the next."""


class Recorder:
    """Observes the queue. The database is opened with the first job, or when somebody asks for it.

    A database that cannot be written to costs the memory of a job, never the job itself.
    """

    def __init__(self, path: Path, data: Path, jobs_kept: Callable[[], int]) -> None:
        self._path, self._data, self._jobs_kept = path, data, jobs_kept
        self.events = Events(self._count_start)
        self.waiting: Callable[[], tuple[Sequence[Job[Any]], Sequence[Job[Any]], bool]] = lambda: ((), (), False)
        self._ended = 0

    @functools.cached_property
    def database(self) -> Database:
        """easel.sqlite. Raises EaselError when it cannot be opened."""
        try:
            return Database(self._path)
        except (sqlite3.Error, OSError) as error:
            raise EaselError(
                f"Jobs and history cannot be kept: {self._path} cannot be opened ({error}). "
                "Make room or make the folder writable, then start Easel again."
            ) from error

    @functools.cached_property
    def store(self) -> JobStore:
        """The kept jobs."""
        return JobStore(self.database)

    @functools.cached_property
    def history(self) -> History:
        """The finished pictures."""
        return History(self.database, self._data)

    def close(self) -> None:
        """Close the database."""
        if "database" in self.__dict__:
            self.database.close()

    def abandoned(self, jobs: Sequence[Job[Any]]) -> None:
        """Mark running jobs as interrupted by the end of the program, without waiting for them."""
        with _tolerant("The end of what ran"):
            self.store.abandon(jobs)

    # What the queue says

    def submitted(self, jobs: Sequence[Job[Any]]) -> None:
        """Keep jobs before they wait."""
        with _tolerant("New jobs"):
            self.store.add(jobs)
        for job in jobs:
            self.events.tell("waiting", job.id, {"kind": job.kind, "title": job.title, "standing": job.recurring_id})

    def started(self, job: Job[Any]) -> None:
        """Mark a job before it runs."""
        with _tolerant(f"The start of job {job.id}"):
            self.store.update([job])
        job.control.on_change = functools.partial(self._progressed, job)
        self.events.tell("running", job.id, {"attempts": job.attempts})

    def ended(self, job: Job[Any]) -> None:
        """Keep how a job ended, and its pictures that are in no file."""
        job.control.on_change = None
        result = job.result if isinstance(job.result, GenerationResult) else None
        with _tolerant(f"The end of job {job.id}"):
            if result is not None and (unsaved := [image for image in result.images if image.path is None]):
                self._add_images(job, unsaved)
            self.store.update([job])
            self._ended += 1
            if self._ended % PRUNE_EVERY == 0:
                self.store.prune(self._jobs_kept())
        self.events.over(job.id)
        kind = {JobState.DONE: "done", JobState.FAILED: "failed"}.get(job.state, "interrupted")
        told: dict[str, Any] = {"pictures": len(result.samples) if result else 0}
        if job.note:
            told["note"] = job.note
        if job.error is not None:
            told["error"] = str(job.error)
        self.events.tell(kind, job.id, told)  # type: ignore[arg-type]

    def changed(self, jobs: Sequence[Job[Any]]) -> None:
        """Keep another order, priority or pause."""
        with _tolerant("The order of the jobs"):
            self.store.update(jobs)
        if len(jobs) == 1:
            self.events.tell("paused" if jobs[0].state is JobState.PAUSED else "waiting", jobs[0].id, {})

    def line_changed(self) -> None:
        """Tell the order of the queue."""
        self.events.tell("position", None, self._line)

    def _line(self) -> dict[str, Any]:
        running, waiting, paused = self.waiting()
        return {"running": [job.id for job in running], "waiting": [job.id for job in waiting], "paused": paused}

    def image_saved(self, job: Job[Any], image: FinishedImage) -> None:
        """A picture of the running job is in its file: now it goes into the history."""
        with _tolerant(f"A picture of job {job.id}"):
            self._add_images(job, [image])

    def _add_images(self, job: Job[Any], images: Sequence[FinishedImage]) -> None:
        for name, image in zip(self.history.add(job, images), images, strict=True):
            if image.path is None:
                job.unsaved[name] = image
            self.events.tell("image", job.id, {"id": name, "kind": image.kind, "seed": image.seed})

    def _progressed(self, job: Job[Any], what: str) -> None:
        """Called by the working threads at each step; most are passed over."""
        control = job.control
        if what == "preview":
            if self.events.due("preview", job.id):
                self.events.tell("preview", job.id, {"number": control.preview[0]})
            return
        now = control.snapshot()
        if self.events.due("step", job.id) or (now.steps and now.step == now.steps):
            self.events.tell(
                "step",
                job.id,
                {
                    "phase": now.phase,
                    "step": now.step,
                    "steps": now.steps,
                    "batch": now.batch,
                    "batches": now.batches,
                    "progress": round(now.fraction, 4),
                    "eta": None if now.eta is None else round(now.eta, 2),
                },
            )

    def _count_start(self) -> int:
        """How many times the program has begun to tell events with this database."""
        try:
            starts = int(self.database.fact("starts") or 0) + 1
            self.database.remember("starts", str(starts))
        except (EaselError, sqlite3.Error):
            return 0
        return starts


@contextlib.contextmanager
def _tolerant(what: str) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, EaselError) as error:
        log.error("%s could not be kept: %s", what, error)
