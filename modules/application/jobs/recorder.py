"""The recorder hears of every change in the queue, writes it to the database and tells those who listen to events."""

from __future__ import annotations

import dataclasses
import functools
import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from modules.application.database import Database, storage_error
from modules.application.events import Events
from modules.application.history import History, history_row
from modules.application.jobs.backlog import Backlog
from modules.application.jobs.job import AnyJob, JobState
from modules.application.jobs.store import JobStore, state_of
from modules.foundation.errors import EaselError, IdTaken, SaveError, StorageError, is_full
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage, GenerationResult

log = logging.getLogger(__name__)

MOST_UNSAVED = 256 * 1024 * 1024
"""Pixels of pictures that wait for room on the disk, about a gigabyte; further ones stay with their job alone."""

PRUNE_EVERY = 50
"""Ended jobs from one pruning to the next."""


class Recorder:
    """Observes the queue. The database is opened with the first job, or when it is first read.

    A database that cannot be written to costs no job: what is to be kept waits, and is written as soon as it can be.
    Only a job that was promised to be kept is refused. `on_replaced` is called when a damaged database was replaced.
    """

    def __init__(self, path: Path, data: Path, jobs_kept: Callable[[], int]) -> None:
        self._path, self._data, self._jobs_kept = path, data, jobs_kept
        self.events = Events(self._count_start)
        self.waiting: Callable[[], tuple[Sequence[AnyJob], Sequence[AnyJob], bool]] = lambda: ((), (), False)
        self.on_replaced: Callable[[], None] = lambda: None
        self.backlog = Backlog()
        self._opening = threading.Lock()
        self._database: Database | None = None
        self._ended = 0
        self._unsaved_pixels = 0

    @property
    def database(self) -> Database:
        """easel.sqlite. Raises StorageError while it cannot be opened, another EaselError where it never will be."""
        with self._opening:
            if self._database is None:
                try:
                    self._database = Database(self._path, self._replaced)
                except (sqlite3.Error, OSError) as error:
                    if (why := storage_error(self._path, error)) is not None:
                        raise why from error
                    raise EaselError(
                        f"Jobs and history cannot be kept: {self._path} cannot be opened ({error}). "
                        "Make room or make the folder writable, then start Easel again."
                    ) from error
            return self._database

    @functools.cached_property
    def store(self) -> JobStore:
        """The kept jobs."""
        return JobStore(self.database)

    @functools.cached_property
    def history(self) -> History:
        """The finished pictures."""
        return History(self.database, self._data)

    @property
    def warning(self) -> str | None:
        """A sentence for people while something cannot be written down."""
        waiting = len(self.backlog)
        return f"{self.backlog.reason} {waiting} changes wait to be kept." if waiting else None

    def close(self) -> None:
        """Close the database."""
        self.backlog.close()
        if self._database is not None:
            self._database.close()

    def abandoned(self, jobs: Sequence[AnyJob]) -> None:
        """Mark running jobs as interrupted by the end of the program, without waiting for them."""
        self.backlog.keep("The end of what ran", lambda: self.store.abandon(jobs))

    def remember(self, name: str, value: str) -> None:
        """Remember `value` as `name` in the database, as soon as it can be."""
        self.backlog.keep(name, lambda: self.database.remember(name, value))

    def _replaced(self) -> None:
        running, waiting, _ = self.waiting()
        self.backlog.keep("The jobs", lambda: self.store.add_missing((*running, *waiting)))
        self.on_replaced()

    # What the queue says

    def submitted(self, jobs: Sequence[AnyJob]) -> None:
        """Keep jobs before they wait. Raises StorageError where a job has to be kept and cannot be."""
        promised = any(job.promised for job in jobs)
        if len(self.backlog) and not promised:
            self._add_later(jobs)
        else:
            try:
                self.store.add(jobs)
            except IdTaken:
                raise
            except (sqlite3.Error, EaselError) as error:
                if not promised:
                    self._add_later(jobs)
                elif isinstance(error, EaselError):
                    raise
                else:
                    raise StorageError(f"The job cannot be kept ({error}), so it is not taken.") from error
        for job in jobs:
            self.events.tell("waiting", job.id, {"kind": job.kind, "title": job.title, "standing": job.recurring_id})

    def started(self, job: AnyJob) -> None:
        """Mark a job before it runs."""
        self._update(f"The start of job {job.id}", [job])
        job.control.on_change = functools.partial(self._progressed, job)
        data = {"attempts": job.attempts, "kind": job.kind, "standing": job.recurring_id, "source": job.source}
        self.events.tell("running", job.id, data)

    def ended(self, job: AnyJob) -> None:
        """Keep how a job ended, and its pictures that are in no file."""
        job.control.on_change = None
        result = job.result if isinstance(job.result, GenerationResult) else None
        # One that is there many times stands for all cells that a plot lacks.
        unsaved = (
            {id(image.image): image for image in result.images if image.path is None} if result is not None else {}
        )
        if unsaved:
            self._add_images(job, list(unsaved.values()))
        self._update(f"The end of job {job.id}", [job])
        self._ended += 1
        if self._ended % PRUNE_EVERY == 0:
            self.backlog.keep("The end of old jobs", lambda: self.store.prune(self._jobs_kept()))
        if result is not None and (warning := self.warning) is not None:
            job.result = dataclasses.replace(result, warnings=(*result.warnings, warning))
        self.events.over(job.id)
        kind = {JobState.DONE: "done", JobState.FAILED: "failed"}.get(job.state, "interrupted")
        data: JsonObject = {"pictures": len(result.samples) if result else 0}
        if job.note:
            data["note"] = job.note
        if job.error is not None:
            data["error"] = str(job.error)
        self.events.tell(kind, job.id, data)  # type: ignore[arg-type]

    def changed(self, jobs: Sequence[AnyJob]) -> None:
        """Keep another order, priority or pause."""
        self._update("The order of the jobs", jobs)
        if len(jobs) == 1:
            self.events.tell("paused" if jobs[0].state is JobState.PAUSED else "waiting", jobs[0].id, {})

    def line_changed(self) -> None:
        """Tell the order of the queue."""
        self.events.tell("position", None, self._line)

    def _line(self) -> JsonObject:
        running, waiting, paused = self.waiting()
        return {"running": [job.id for job in running], "waiting": [job.id for job in waiting], "paused": paused}

    def image_saved(self, job: AnyJob, image: FinishedImage) -> None:
        """A picture of the running job is in its file: now it goes into the history."""
        self._add_images(job, [image])

    def _add_images(self, job: AnyJob, images: Sequence[FinishedImage]) -> None:
        rows = [history_row(job, image, self._data) for image in images]
        self.backlog.keep(f"Pictures of job {job.id}", lambda: self.history.insert(rows))
        for row, image in zip(rows, images, strict=True):
            name = str(row[0])
            if image.path is None:
                job.unsaved[name] = image
                pixels = image.image.width * image.image.height
                if image.save_again is not None and self._unsaved_pixels + pixels <= MOST_UNSAVED:
                    self._unsaved_pixels += pixels
                    self.backlog.keep(f"A picture of job {job.id}", functools.partial(self._save, job, name, image))
            self.events.tell("image", job.id, {"id": name, "kind": image.kind, "seed": image.seed})

    def _save(self, job: AnyJob, name: str, image: FinishedImage) -> None:
        """Save a picture that found the disk full. Raises StorageError while it is."""
        assert image.save_again is not None
        try:
            path = image.save_again().path
        except SaveError as error:
            if is_full(error):
                raise StorageError(str(error)) from error
            path = None
            log.error("A picture of job %s could not be saved later either: %s", job.id, error)
        self._unsaved_pixels -= image.image.width * image.image.height
        if path is None:
            return

        def note() -> None:
            self.history.note_path(name, path)
            job.unsaved.pop(name, None)

        # Apart from the file, which is not to be written twice.
        self.backlog.keep(f"The file of a picture of job {job.id}", note)

    def _add_later(self, jobs: Sequence[AnyJob]) -> None:
        """Keep new jobs as soon as it can be; by then one may have ended and left the memory."""
        weak = [weakref.ref(job) for job in jobs]

        def add() -> None:
            self.store.add([job for each in weak if (job := each()) is not None])

        self.backlog.keep("New jobs", add)

    def _update(self, what: str, jobs: Sequence[AnyJob]) -> None:
        """Keep where jobs stand at this moment."""
        states = [state_of(job) for job in jobs]
        self.backlog.keep(what, lambda: self.store.update(states))

    def _progressed(self, job: AnyJob, what: str) -> None:
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
                    "text": now.words,
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
