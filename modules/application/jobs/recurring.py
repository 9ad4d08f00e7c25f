"""Recurring jobs, "generate forever": each time one of their jobs has ended the next is put into the queue.

They live in the database and on the engine's thread, not in a page: a browser may close, the program may end and begin
again. Every picture, or batch of them, is a job like any other, behind those that wait already.
"""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modules.application.database import Database, storable
from modules.application.jobs.job import AnyJob, GenerationJob, JobState
from modules.application.jobs.serialise import from_text, to_text
from modules.application.jobs.store import LONGEST_TITLE, JobStore, alive, keep_pictures
from modules.foundation.errors import EaselError, RequestError
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.generation.seeds import advanced, with_seeds

Seeds = Literal["random", "advance", "fixed"]
RecurringState = Literal["running", "paused", "done", "stopped", "failed"]

MOST_FAILURES = 3
"""Jobs that may fail one after another; then something is wrong that the next would not cure."""


@dataclass(frozen=True, kw_only=True)
class RecurringLimits:
    """When a recurring job ends by itself; None is never. The disk is that of the output folder."""

    pictures: int | None = None
    seconds: float | None = None
    free_bytes: int = 0

    def __post_init__(self) -> None:
        """Raise RequestError for limits that would end it before it begins."""
        for field, value in (("pictures", self.pictures), ("seconds", self.seconds)):
            if value is not None and value <= 0:
                raise RequestError(f"{field} must be more than 0; it is {value}.", field)


@dataclass(frozen=True, kw_only=True)
class RecurringRecord:
    """A recurring job. `started` pictures have been asked of the queue so far, `made` are there."""

    id: str
    state: RecurringState
    title: str
    priority: int
    created: float
    finished: float | None
    checkpoint: str | None
    seeds: Seeds
    limits: RecurringLimits
    started: int
    made: int
    failures: int
    note: str


class RecurringJobs:
    """The table of recurring jobs. `submit(job)` is the queue's; `unfinished(id)` tells whether a job of one waits.

    `on_state(id, state)` is called whenever one has begun, paused, gone on, ended, or made something.
    """

    def __init__(
        self,
        store: JobStore,
        outputs: Path,
        submit: Callable[[AnyJob], Any],
        unfinished: Callable[[str], bool],
        on_state: Callable[[str, str], None],
    ) -> None:
        self._store, self._outputs, self._submit, self._unfinished = store, outputs, submit, unfinished
        self._on_state = on_state
        self._database: Database = store.database

    def create(self, job: GenerationJob, *, seeds: Seeds, limits: RecurringLimits) -> RecurringRecord:
        """Begin to make what `job` asks for, again and again. Raises EaselError when the first job cannot be queued."""
        text, pictures = to_text(job.request)  # its seeds are decided, so that a restart goes on in the same row
        recurring_id = f"standing-{uuid.uuid4().hex[:12]}"
        assert job.settings is not None
        with self._database.change() as write:
            keep_pictures(write, recurring_id, pictures)
            write.execute(
                "INSERT INTO standing_jobs (id, owner, state, title, priority, created, checkpoint, request, settings,"
                " seeds, most_pictures, most_seconds, least_free_bytes)"
                " VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(
                        recurring_id,
                        self._store.owner,
                        storable(job.title)[:LONGEST_TITLE],
                        job.priority,
                        time.time(),
                        job.checkpoint,
                        text,
                    ),
                    *(self._store.keep_settings(write, job.settings), seeds),
                    *(limits.pictures, limits.seconds, limits.free_bytes),
                ),
            )
        self.go_on(recurring_id)
        self._on_state(recurring_id, "running")
        return self.find(recurring_id)

    def find(self, recurring_id: str) -> RecurringRecord:
        """The recurring job with this id. Raises EaselError when there is none."""
        return _record(self._row(recurring_id))

    def all(self, limit: int = 100) -> list[RecurringRecord]:
        """The newest recurring jobs, those that have ended among them."""
        rows = self._database.rows("SELECT * FROM standing_jobs ORDER BY number DESC LIMIT ?", (limit,))
        return [_record(row) for row in rows]

    def end(self, recurring_id: str, state: RecurringState, note: str = "") -> bool:
        """End, or pause, a running or paused one; False when it had ended already."""
        with self._database.change() as write:
            changed = write.execute(
                "UPDATE standing_jobs SET state = ?, note = ?, finished = ?"
                " WHERE id = ? AND state IN ('running', 'paused')",
                (state, note, None if state == "paused" else time.time(), recurring_id),
            )
        if changed.rowcount > 0:
            self._on_state(recurring_id, state)
        return changed.rowcount > 0

    def resume(self, recurring_id: str) -> bool:
        """Go on with a paused one; False when it is not paused."""
        with self._database.change() as write:
            query = (
                "UPDATE standing_jobs SET state = 'running', note = '', failures = 0 WHERE id = ? AND state = 'paused'"
            )
            if write.execute(query, (recurring_id,)).rowcount == 0:
                return False
        self._on_state(recurring_id, "running")
        self.go_on(recurring_id)
        return True

    def job_ended(self, job: AnyJob) -> None:
        """A job of a recurring one has ended: count its pictures. `go_on` then puts the next into the queue."""
        pictures = len(job.result.samples) if isinstance(job.result, GenerationResult) else 0
        failed = job.state is JobState.FAILED
        with self._database.change() as write:
            write.execute(
                "UPDATE standing_jobs SET made = made + ?, failures = CASE WHEN ? THEN failures + 1 ELSE 0 END"
                " WHERE id = ?",
                (pictures, failed, job.recurring_id),
            )
            if failed:
                write.execute(
                    "UPDATE standing_jobs SET state = 'failed', note = ?, finished = ?"
                    " WHERE id = ? AND state = 'running' AND failures >= ?",
                    (f"{MOST_FAILURES} jobs failed: {job.error}", time.time(), job.recurring_id, MOST_FAILURES),
                )
        if job.recurring_id is not None:
            self._on_state(job.recurring_id, self.find(job.recurring_id).state)

    def go_on(self, recurring_id: str) -> None:
        """Put the next job into the queue, unless one is there or it is time to end. Raises what submitting raises."""
        row = self._row(recurring_id)
        record = _record(row)
        if record.state != "running" or self._unfinished(recurring_id):
            return
        if (why := self._enough(record)) is not None:
            self.end(recurring_id, "done", why)
            return
        self._submit(self._next_job(row, record))

    def recover(self) -> list[str]:
        """Take over the running and paused ones that Easels before this one left behind. Gives their ids."""
        rows = self._database.rows("SELECT id, owner, state FROM standing_jobs WHERE state IN ('running', 'paused')")
        left = [row for row in rows if row["owner"] != self._store.owner and not alive(row["owner"])]
        with self._database.change() as write:
            for row in left:
                write.execute("UPDATE standing_jobs SET owner = ? WHERE id = ?", (self._store.owner, row["id"]))
        return [row["id"] for row in left if row["state"] == "running"]

    def _next_job(self, row: sqlite3.Row, record: RecurringRecord) -> GenerationJob:
        request: GenerationRequest = from_text(row["request"], self._store.picture)
        if record.limits.pictures is not None:
            left = max(record.limits.pictures - record.made, 1)
            size = min(request.batch_size, left)
            request = dataclasses.replace(
                request, batch_size=size, batch_count=min(request.batch_count, -(-left // size))
            )
        if record.seeds == "advance":
            request = advanced(request, record.started)
        elif record.seeds == "random":
            request = dataclasses.replace(request, seed=-1, subseed=-1)
        request, chosen = with_seeds(request)
        job = GenerationJob(
            request,
            settings=self._store.settings(row["settings"]),
            checkpoint=record.checkpoint,
            chosen_seeds=chosen,
        )
        job.recurring_id, job.priority, job.source = record.id, record.priority, "standing"
        with self._database.change() as write:
            write.execute(
                "UPDATE standing_jobs SET started = started + ? WHERE id = ?",
                (request.batch_size * request.batch_count, record.id),
            )
        return job

    def _enough(self, record: RecurringRecord) -> str | None:
        """Why a recurring job is to end, or None."""
        limits = record.limits
        if limits.pictures is not None and record.made >= limits.pictures:
            return f"All {limits.pictures} pictures are made."
        if limits.seconds is not None and time.time() - record.created >= limits.seconds:
            return f"The {limits.seconds:g} seconds are over."
        if limits.free_bytes and _free_bytes(self._outputs) < limits.free_bytes:
            return f"Less than {limits.free_bytes / 1e9:.1f} GB are free in {self._outputs}."
        return None

    def _row(self, recurring_id: str) -> sqlite3.Row:
        rows = self._database.rows("SELECT * FROM standing_jobs WHERE id = ?", (recurring_id,))
        if not rows:
            raise EaselError(f"There is no recurring job {recurring_id!r}.")
        return rows[0]


def _free_bytes(folder: Path) -> int:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free


def _record(row: sqlite3.Row) -> RecurringRecord:
    limits = RecurringLimits(
        pictures=row["most_pictures"], seconds=row["most_seconds"], free_bytes=row["least_free_bytes"]
    )
    names = [name for name in RecurringRecord.__dataclass_fields__ if name != "limits"]
    return RecurringRecord(limits=limits, **{name: row[name] for name in names})
