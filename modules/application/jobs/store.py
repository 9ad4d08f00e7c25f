"""Jobs in the database: kept before they wait, marked before they run, and what to do with them after a restart."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from modules.application.database import Database, storable
from modules.application.jobs.job import AFTER_RESTART, ENDED, LOST, AnyJob, GenerationJob, JobState, Lane, TaskJob
from modules.application.jobs.serialise import NotKeepable, Pictures, from_text, to_text
from modules.foundation.errors import EaselError, IdTaken
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonMapping
from modules.generation.request import GenerationRequest
from modules.settings.model import Settings

log = logging.getLogger(__name__)

LONGEST_TITLE = 1000
HAS_ENDED = "state NOT IN ('running', 'waiting', 'paused')"
ID = "force_task_id"
"""The field of requests that names an id."""

TaskMaker = Callable[[JsonMapping], Callable[[Any], Any]]
"""From the parameters of a task to what it does."""


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """What is known of a job, in the queue or long since out of it. Times are seconds since 1970."""

    number: int
    id: str
    kind: str
    title: str
    lane: str
    source: str
    state: JobState
    priority: int
    attempts: int
    created: float
    started: float | None
    finished: float | None
    checkpoint: str | None
    standing: str | None
    note: str
    error: str

    @property
    def interrupted_by_restart(self) -> bool:
        """Whether it was under way (or could not be kept) when the program ended without warning."""
        return self.state is JobState.INTERRUPTED and self.note in (AFTER_RESTART, LOST)


_STATES = frozenset(state.value for state in JobState)

_ADD = (
    "INSERT INTO jobs (id, kind, title, lane, source, owner, state, priority, place, attempts, created,"
    " checkpoint, standing, request, settings, chosen_seeds, note)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class JobStore:
    """The table of jobs. Several Easels may share a data folder: each touches its own jobs and those of the dead."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.owner = f"{os.getpid()}:{psutil.Process().create_time()}:{uuid.uuid4().hex[:8]}"
        self._last_settings: tuple[str, Settings] | None = None
        self._last_kept: tuple[Settings, str, str] | None = None

    # Writing

    def add(self, jobs: Iterable[AnyJob]) -> None:
        """Keep new jobs, which get their numbers. One of the same id that has ended gives way.

        Raises IdTaken, with nothing changed, for an id whose job has not ended.
        """
        kept = [(job, *self._request_of(job)) for job in jobs]
        with self.database.change() as write:
            for job, request, settings, pictures in kept:
                values = (
                    *(job.id, job.kind, storable(job.title)[:LONGEST_TITLE], job.lane, job.source, self.owner),
                    *(job.state.value, job.priority, job.place, job.attempts, job.created),
                    *(job.checkpoint, job.recurring_id, request, self.keep_settings(write, settings)),
                    *(" ".join(getattr(job, "chosen_seeds", ())), job.note),
                )
                try:
                    job.number = write.execute(_ADD, values).lastrowid or 0
                except sqlite3.IntegrityError:  # the id is there: seldom, so that it is not looked for each time
                    if not self._forget(write, job.id):
                        raise IdTaken(f"There is a job {job.id!r} that has not ended. Take another id.", ID) from None
                    job.number = write.execute(_ADD, values).lastrowid or 0
                keep_pictures(write, job.id, pictures)

    def keep_settings(self, write: sqlite3.Connection, settings: Settings | None) -> str | None:
        """Keep a settings value once, however many jobs share it. Gives its name."""
        if settings is None:
            return None
        if self._last_kept is None or self._last_kept[0] is not settings:
            value = json.dumps(settings.model_dump(), sort_keys=True, default=str)
            self._last_kept = settings, hashlib.sha256(value.encode()).hexdigest(), value
        _, name, value = self._last_kept
        write.execute("INSERT OR IGNORE INTO settings_values VALUES (?, ?)", (name, value))
        return name

    def add_missing(self, jobs: Iterable[AnyJob]) -> None:
        """Keep those jobs that the database does not know, after it had to be begun again."""
        self.add([job for job in jobs if self.find(job.id) is None])

    def update(self, states: Iterable[tuple[object, ...]]) -> None:
        """Keep where jobs stand (`state_of`). A job of the same id that came later is not touched."""
        with self.database.change() as write:
            write.executemany(
                "UPDATE jobs SET state = ?, priority = ?, place = ?, started = ?, finished = ?, note = ?, error = ?"
                " WHERE id = ? AND created = ? AND attempts = ?",
                states,
            )

    def abandon(self, jobs: Iterable[AnyJob]) -> None:
        """Mark jobs as interrupted by the end of the program although they have not ended yet."""
        values = [(ENDED, time.time(), job.id) for job in jobs]
        with self.database.change() as write:
            write.executemany(
                "UPDATE jobs SET state = 'interrupted', note = ?, finished = ? WHERE id = ? AND state = 'running'",
                values,
            )

    def forget(self, job_id: str) -> None:
        """Remove a job that has ended; its pictures stay in the history."""
        with self.database.change() as write:
            self._forget(write, job_id)

    def prune(self, most: int) -> None:
        """Remove the oldest ended jobs until `most` of them are left, and what only they needed."""
        with self.database.change() as write:
            write.execute(
                f"DELETE FROM jobs WHERE {HAS_ENDED} AND number <="
                f" (SELECT number FROM jobs WHERE {HAS_ENDED} ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (max(most, 0),),
            )
            drop_unneeded(write)
            write.execute("PRAGMA incremental_vacuum(256)").fetchall()

    def _forget(self, write: sqlite3.Connection, job_id: str) -> bool:
        """Whether there was a job of this id that has ended."""
        gone = write.execute(f"DELETE FROM jobs WHERE id = ? AND {HAS_ENDED}", (job_id,)).rowcount > 0
        if gone:
            release_pictures(write, job_id)
        return gone

    def _request_of(self, job: AnyJob) -> tuple[str | None, Settings | None, Pictures]:
        try:
            if isinstance(job, GenerationJob):
                request, pictures = to_text(job.request)
                return request, job.settings, pictures
            if isinstance(job, TaskJob) and job.parameters is not None:
                text, pictures = to_text(dict(job.parameters))
                return text, None, pictures
        except NotKeepable as error:
            log.warning("Job %s will not survive a restart: %s", job.id, error)
        return None, None, {}

    # Reading

    def find(self, job_id: str) -> JobRecord | None:
        """The job with this id."""
        found = self.database.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return _record(found[0]) if found else None

    def newest(
        self,
        states: Sequence[JobState] = (),
        *,
        standing: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[JobRecord]:
        """Jobs from the newest to the oldest, of all states or these, older than number `before`."""
        conditions, values = ["number < ?"], [2**62 if before is None else before]
        if states:
            conditions.append(f"state IN ({', '.join('?' * len(states))})")
            values += [state.value for state in states]  # type: ignore[list-item]
        if standing is not None:
            conditions.append("standing = ?")
            values.append(standing)  # type: ignore[arg-type]
        query = f"SELECT * FROM jobs WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ?"
        return [_record(row) for row in self.database.rows(query, (*values, limit))]

    def job(self, job_id: str, kinds: Mapping[str, TaskMaker]) -> AnyJob:
        """The job as it was submitted, ready to wait again. Raises EaselError when it cannot be had any more."""
        found = self.database.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        if not found:
            raise EaselError(f"There is no job {job_id!r} any more.")
        return self._job(found[0], kinds)

    def _job(self, row: sqlite3.Row, kinds: Mapping[str, TaskMaker]) -> AnyJob:
        if row["request"] is None:
            raise EaselError(f"{row['title'] or row['kind']} was not kept and cannot be run again.")
        try:
            request = from_text(row["request"], self.picture)
            settings = self.settings(row["settings"])
        except (ValueError, TypeError, KeyError, AttributeError, ImportError, OSError) as error:
            raise EaselError(f"Job {row['id']} cannot be read ({error}); it may come from another Easel.") from error
        job: AnyJob
        if isinstance(request, GenerationRequest):
            seeds = tuple(row["chosen_seeds"].split())
            job = GenerationJob(request, row["id"], settings=settings, checkpoint=row["checkpoint"], chosen_seeds=seeds)
        elif row["kind"] in kinds:
            lane: Lane = "background" if row["lane"] == "background" else "engine"
            job = TaskJob(
                kinds[row["kind"]](request),
                kind=row["kind"],
                title=row["title"],
                job_id=row["id"],
                lane=lane,
                parameters=request,
            )
        else:
            raise EaselError(f"There is no handler for jobs of the kind {row['kind']!r}; an extension may be missing.")
        job.number = row["number"]
        job.kind, job.title, job.source, job.recurring_id = row["kind"], row["title"], row["source"], row["standing"]
        job.priority, job.place, job.attempts = row["priority"], row["place"], row["attempts"]
        job.created, job.state, job.note = row["created"], JobState(row["state"]), row["note"]
        return job

    def picture(self, name: str) -> bytes:
        """The PNG file of a kept picture. Raises KeyError."""
        found = self.database.rows("SELECT file FROM pictures WHERE hash = ?", (name,))
        if not found:
            raise KeyError(f"picture {name[:10]} is missing")
        return bytes(found[0]["file"])

    def settings(self, name: str | None) -> Settings | None:
        """The settings stored under `name` with a job; None without a name."""
        if name is None:
            return None
        if self._last_settings is None or self._last_settings[0] != name:  # most jobs share theirs with the one before
            found = self.database.rows("SELECT value FROM settings_values WHERE hash = ?", (name,))
            self._last_settings = (name, Settings.checked(parse_json(found[0]["value"])))
        return self._last_settings[1]

    # After a restart

    def recover(self, kinds: Mapping[str, TaskMaker]) -> list[AnyJob]:
        """The waiting jobs that Easels before this one left behind, in order.

        What was running is marked as interrupted, and so is what waited but could not be kept.
        """
        found = self.database.rows("SELECT DISTINCT owner FROM jobs WHERE state IN ('running', 'waiting', 'paused')")
        dead = [row["owner"] for row in found if row["owner"] != self.owner and not alive(row["owner"])]
        recovered: list[AnyJob] = []
        for owner in dead:
            recovered += self._recover_from(owner, kinds)
        return sorted(recovered, key=lambda job: (-job.priority, job.place))

    def _recover_from(self, owner: str, kinds: Mapping[str, TaskMaker]) -> list[AnyJob]:
        recovered: list[AnyJob] = []
        with self.database.change() as write:
            write.execute(
                "UPDATE jobs SET state = 'interrupted', note = ?, finished = ? WHERE state = 'running' AND owner = ?",
                (AFTER_RESTART, time.time(), owner),
            )
            rows = write.execute(
                "SELECT * FROM jobs WHERE state IN ('waiting', 'paused') AND owner = ? ORDER BY place", (owner,)
            ).fetchall()
            for row in rows:
                try:
                    recovered.append(self._job(row, kinds))
                    write.execute("UPDATE jobs SET owner = ? WHERE id = ?", (self.owner, row["id"]))
                except EaselError as error:
                    note = LOST if row["request"] is None else str(error)
                    write.execute(
                        "UPDATE jobs SET state = 'interrupted', note = ?, finished = ? WHERE id = ?",
                        (note, time.time(), row["id"]),
                    )
        return recovered


def keep_pictures(write: sqlite3.Connection, holder: str, pictures: Pictures) -> None:
    """Keep pictures for as long as `holder`, or another holder, needs them."""
    for name, file in pictures.items():
        write.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?)", (name, file))
        write.execute("INSERT OR IGNORE INTO held_pictures VALUES (?, ?)", (holder, name))


def release_pictures(write: sqlite3.Connection, holder: str) -> None:
    """`holder` needs its pictures no longer; those without another holder are removed."""
    held = write.execute("SELECT hash FROM held_pictures WHERE holder = ?", (holder,)).fetchall()
    write.execute("DELETE FROM held_pictures WHERE holder = ?", (holder,))
    for row in held:
        write.execute(
            "DELETE FROM pictures WHERE hash = ? AND hash NOT IN (SELECT hash FROM held_pictures WHERE hash = ?)",
            (row["hash"], row["hash"]),
        )


def drop_unneeded(write: sqlite3.Connection) -> None:
    """Remove the pictures and settings of jobs that are gone."""
    write.execute(
        "DELETE FROM held_pictures WHERE holder NOT IN (SELECT id FROM jobs)"
        " AND holder NOT IN (SELECT id FROM standing_jobs)"
    )
    write.execute("DELETE FROM pictures WHERE hash NOT IN (SELECT hash FROM held_pictures)")
    write.execute(
        "DELETE FROM settings_values WHERE hash NOT IN (SELECT settings FROM jobs WHERE settings IS NOT NULL)"
        " AND hash NOT IN (SELECT settings FROM standing_jobs)"
    )


def alive(owner: str) -> bool:
    """Whether another process that wrote itself down as `owner` still runs."""
    try:
        pid, created, _ = owner.split(":")
        if int(pid) == os.getpid():  # this process under an earlier name: it has begun again
            return False
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 1
    except (psutil.Error, ValueError):
        return False


def state_of(job: AnyJob) -> tuple[Any, ...]:
    """Where a job stands at this moment, for `JobStore.update`."""
    return (
        *(job.state.value, job.priority, job.place, job.started, job.ended, job.note),
        *(storable(str(job.error or "")), job.id, job.created, job.attempts),
    )


def record_of(job: AnyJob) -> JobRecord:
    """What is kept of a job, without looking it up."""
    return JobRecord(
        number=job.number,
        id=job.id,
        kind=job.kind,
        title=storable(job.title)[:LONGEST_TITLE],
        lane=job.lane,
        source=job.source,
        state=job.state,
        priority=job.priority,
        attempts=job.attempts,
        created=job.created,
        started=job.started,
        finished=job.ended,
        checkpoint=job.checkpoint,
        standing=job.recurring_id,
        note=job.note,
        error=storable(str(job.error or "")),
    )


def _record(row: sqlite3.Row) -> JobRecord:
    names = [name for name in JobRecord.__dataclass_fields__ if name != "state"]
    state = row["state"] if row["state"] in _STATES else JobState.FAILED  # what damage has made of it
    return JobRecord(state=JobState(state), **{name: row[name] for name in names})
