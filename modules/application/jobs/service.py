"""What clients do with jobs: submit, cancel, retry, repeat, recur. The page and every route go through here."""

from __future__ import annotations

import dataclasses
import functools
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from modules.application.history import from_file
from modules.application.jobs.job import AnyJob, GenerationJob, JobState, TaskJob, new_id
from modules.application.jobs.queue import JobQueue
from modules.application.jobs.recorder import Recorder
from modules.application.jobs.recurring import RecurringJobs, RecurringLimits, RecurringRecord, Seeds
from modules.application.jobs.store import JobStore, TaskMaker
from modules.foundation.errors import EaselError, IdTaken, RequestError, StorageError
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.generation.seeds import with_seeds
from modules.settings.paths import Paths
from modules.settings.store import SettingsStore

log = logging.getLogger(__name__)

GivenJob = TypeVar("GivenJob", bound=AnyJob)
Stop = Literal["now", "after_image"]

LONGEST_ID = 128
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.():@+=~-]*")

ENDED_STATES = (JobState.DONE, JobState.FAILED, JobState.INTERRUPTED)


class JobService:
    """The queue with its memory. `resolve(request, id)` makes a job of a request, as the settings are now."""

    def __init__(
        self,
        execute: Callable[[AnyJob], Any],
        resolve: Callable[[GenerationRequest, str | None], GenerationJob],
        settings: SettingsStore,
        paths: Paths,
    ) -> None:
        self._resolve, self._settings, self._paths = resolve, settings, paths
        self._kinds: dict[str, TaskMaker] = {}
        self._recovered: list[AnyJob] = []
        self._recovered_recurring: list[str] = []
        self.recorder = Recorder(paths.data / "easel.sqlite", paths.data, lambda: settings.current.jobs_kept)
        self.queue = JobQueue(execute, (self.recorder, self), lambda: settings.current.jobs_overtaking)
        self.recorder.waiting = lambda: (self.queue.running, self.queue.waiting, self.queue.paused)

    @property
    def store(self) -> JobStore:
        """The kept jobs. Raises EaselError when nothing can be kept."""
        return self.recorder.store

    @functools.cached_property
    def recurring(self) -> RecurringJobs:
        """The recurring jobs."""

        def tell_state(recurring_id: str, state: str) -> None:
            self.recorder.events.tell("standing", None, {"standing": recurring_id, "state": state})

        return RecurringJobs(self.store, self._paths.outputs, self.queue.submit, self._has_unfinished, tell_state)

    # Submitting

    def submit(
        self,
        request: GenerationRequest,
        job_id: str | None = None,
        *,
        priority: int = 0,
        source: str = "",
        promised: bool = False,
    ) -> GenerationJob:
        """Queue a request. Raises EaselError for a request that cannot run at all, before it is queued.

        An id that a job has which has not ended is replaced by another one. A `promised` job keeps its id and is on the
        disk before this returns; otherwise IdTaken or StorageError is raised, and it is not queued.
        """
        job = self._resolve(request, checked_id(job_id))
        job.priority, job.source, job.promised = priority, source, promised
        return self._submitted(job)

    def submit_task(self, task: TaskJob[Any]) -> None:
        """Queue work that is no request for pictures. Raises EaselError when the program is ending.

        What is to survive a restart is on the disk before this returns; StorageError is raised where that cannot be.
        """
        checked_id(task.id)
        task.promised = task.parameters is not None
        self._submitted(task)

    def _submitted(self, job: GivenJob) -> GivenJob:
        while True:
            try:
                return self.queue.submit(job)
            except IdTaken:
                if job.promised and isinstance(job, GenerationJob):
                    raise
                job.id = new_id()

    def register_kind(self, kind: str, work: TaskMaker) -> None:
        """Let tasks of `kind` survive a restart: `work(parameters)` gives what they do."""
        self._kinds[kind] = work

    # One job

    def cancel(self, job: AnyJob, stop: Stop = "now") -> None:
        """Take a waiting job out of the queue; stop a running one within its step, or when its batch is finished."""
        if self.queue.withdraw(job) or job.finished:
            return
        if stop == "after_image":
            job.control.stop_after_batch()
        else:
            job.interrupt()

    def retry(self, job_id: str) -> AnyJob:
        """Let a failed or interrupted job wait once more, under its id and with its seeds. Raises RequestError."""
        record = self.store.find(job_id)
        if record is None or record.state not in (JobState.FAILED, JobState.INTERRUPTED):
            what = "unknown" if record is None else record.state.value
            raise RequestError(f"Job {job_id!r} is {what}; only failed and interrupted jobs can be retried.", "id")
        job = self.store.job(job_id, self._kinds)
        job.state, job.attempts, job.note = JobState.WAITING, record.attempts + 1, ""
        job.recurring_id, job.promised = None, True
        return self.queue.submit(job)

    def repeat(self, job_id: str, count: int = 1, *, same_seeds: bool = False) -> list[AnyJob]:
        """Queue what a job asked for again, as jobs of their own, with new seeds where the job's were chosen for it."""
        jobs: list[AnyJob] = []
        for _ in range(count):
            job = self.store.job(job_id, self._kinds)
            job.id, job.state, job.attempts, job.note, job.recurring_id = new_id(), JobState.WAITING, 1, "", None
            if isinstance(job, GenerationJob) and not same_seeds:
                request = dataclasses.replace(job.request, **dict.fromkeys(job.chosen_seeds, -1))
                job.request, _chosen = with_seeds(request)
            job.promised = True
            jobs.append(job)
        self.queue.submit_all(jobs)
        return jobs

    def forget(self, job_id: str) -> None:
        """Remove a job that has ended from the lists; its pictures stay in the history. Raises RequestError."""
        live = self.queue.find(job_id)
        if live is not None and not live.finished:
            raise RequestError(f"Job {job_id!r} is {live.state.value}; cancel it first.", "id")
        self.store.forget(job_id)

    def remembered_result(self, job_id: str) -> GenerationResult | None:
        """What a job made that has left the memory: those of its pictures whose files are there, the grid first.

        None when it is not known or has not ended. Why it failed or was interrupted stands in the warnings.
        """
        record = self.store.find(job_id)
        if record is None or record.state not in ENDED_STATES:
            return None
        images = [image for each in self.recorder.history.of_job(job_id) if (image := from_file(each)) is not None]
        why = record.error or (record.note if record.interrupted_by_restart else "")
        return GenerationResult(
            images=tuple(sorted(images, key=lambda image: image.kind != "grid")),
            info={},
            warnings=(why,) if why else (),
            interrupted=record.state is JobState.INTERRUPTED,
        )

    def picture_in_memory(self, job_id: str, image_id: str) -> FinishedImage | None:
        """A picture that was not saved, as long as it is remembered."""
        job = self.queue.find(job_id)
        return job.unsaved.get(image_id) if job is not None else None

    # Recurring jobs

    def start_recurring(
        self, request: GenerationRequest, *, seeds: Seeds, limits: RecurringLimits, priority: int = 0
    ) -> RecurringRecord:
        """Make what `request` asks for again and again, with or without a client."""
        job = self._resolve(request, None)
        job.priority = priority
        return self.recurring.create(job, seeds=seeds, limits=limits)

    def stop_recurring(self, recurring_id: str, stop: Stop = "after_image") -> bool:
        """End a recurring job: its waiting job is cancelled, its running one finishes its batch or stops at once."""
        ended = self.recurring.end(recurring_id, "stopped")
        for job in (*self.queue.waiting, *self.queue.running):
            if job.recurring_id == recurring_id:
                self.cancel(job, stop)
        return ended

    def _has_unfinished(self, recurring_id: str) -> bool:
        return any(
            job.recurring_id == recurring_id and job.ended is None for job in (*self.queue.waiting, *self.queue.running)
        )

    # After a start of the program

    def restore(self) -> None:
        """Take over what earlier Easels left waiting, and their recurring jobs. Can be repeated where it broke off."""
        self._recovered += self.store.recover(self._kinds)
        self._recovered_recurring += self.recurring.recover()
        wait = self._settings.current.jobs_after_restart == "Wait until I resume the queue"
        left = bool(self._recovered or self._recovered_recurring)
        if self.recorder.database.fact("paused") == "1" or (wait and left):
            log.warning("The queue is paused; resume it to go on.")
            self.queue.pause(paused=True)
        if self._recovered:
            log.info("%d jobs of the last time go on waiting.", len(self._recovered))
            self.queue.submit_all([_saved(job) for job in self._recovered], kept=True)
            self._recovered.clear()
        while self._recovered_recurring:
            self._go_on(self._recovered_recurring.pop())

    def pause(self, *, paused: bool) -> None:
        """Start no further job, over restarts too, or go on."""
        self.queue.pause(paused=paused)
        self.recorder.remember("paused", "1" if paused else "0")

    # What the queue says (after the recorder has heard it)

    def submitted(self, jobs: Sequence[AnyJob]) -> None:
        """Needs no action here."""

    def started(self, job: AnyJob) -> None:
        """Needs no action here."""

    def ended(self, job: AnyJob) -> None:
        """Let a recurring job go on."""
        if job.recurring_id is not None:
            try:
                self.recorder.backlog.keep("The count of a recurring job", lambda: self.recurring.job_ended(job))
            except Exception:  # the boundary of a job: the queue goes on
                log.exception("Recurring job %s could not count its pictures", job.recurring_id)
            self._go_on(job.recurring_id)

    def changed(self, jobs: Sequence[AnyJob]) -> None:
        """Needs no action here."""

    def line_changed(self) -> None:
        """Needs no action here."""

    def _go_on(self, recurring_id: str) -> None:
        def go_on() -> None:
            try:
                self.recurring.go_on(recurring_id)
            except StorageError:
                raise
            except EaselError as error:  # the program is ending: the next start goes on
                log.info("Recurring job %s waits: %s", recurring_id, error)

        try:
            self.recorder.backlog.keep(f"The next job of {recurring_id}", go_on)
        except Exception:  # the boundary of a job: the queue goes on
            log.exception("Recurring job %s could not go on", recurring_id)

    def begin_end(self) -> None:
        """Take no more jobs and interrupt what runs, without waiting for it; observers are told nothing more."""
        self.queue.begin_end()
        self.recorder.events.end()

    def abandon(self) -> None:
        """Mark what still runs as interrupted: the process ends before it does."""
        self.recorder.abandoned(self.queue.running)

    def close(self) -> None:
        """End the queue; what waits is kept for the next time."""
        self.begin_end()
        self.queue.close()


def checked_id(wanted: str | None) -> str | None:
    """The id that a client wants for its job; None where it wants none. Raises RequestError for an unfit one.

    Ids stand in addresses, so that only what needs no escaping there, and means nothing else, is taken.
    """
    if not wanted:
        return None
    if len(wanted) > LONGEST_ID or not _ID.fullmatch(wanted):
        raise RequestError(
            f"force_task_id takes letters, digits and any of _ - . ( ) : @ + = ~, at most {LONGEST_ID} of them, and "
            "begins with a letter or digit.",
            "force_task_id",
        )
    return wanted


def _saved(job: AnyJob) -> AnyJob:
    """A job whose client waited for the answer and is gone saves its pictures: else they would be lost."""
    if isinstance(job, GenerationJob) and job.source != "v1" and not job.request.save_images:
        job.request = dataclasses.replace(job.request, save_images=True)
    return job
