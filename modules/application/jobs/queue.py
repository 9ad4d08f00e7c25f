"""The queue in front of the engine: one job at a time, by priority and in the order they came."""

from __future__ import annotations

import collections
import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from modules.application.jobs.job import CANCELLED, ENDED, STOPPED, AnyJob, JobState, Lane
from modules.application.jobs.waiting_list import To, WaitingList
from modules.foundation.errors import EaselError, IdTaken, Interrupted
from modules.generation.result import GenerationResult

log = logging.getLogger(__name__)

GivenJob = TypeVar("GivenJob", bound=AnyJob)

REMEMBERED = 200
"""Finished jobs that can still be asked about by id."""

RESULTS_KEPT = 8
"""Finished jobs whose pictures are still in memory; of those before them it is only known how they ended."""


class Observer(Protocol):
    """Hears of everything that happens in the queue, on the thread on which it happens."""

    def submitted(self, jobs: Sequence[AnyJob]) -> None:
        """Jobs are about to wait. An EaselError keeps them out."""

    def started(self, job: AnyJob) -> None:
        """A job is about to run."""

    def ended(self, job: AnyJob) -> None:
        """A job is about to be finished: its state is final, and its waiters have not been woken yet."""

    def changed(self, jobs: Sequence[AnyJob]) -> None:
        """Waiting jobs have another place, priority or state."""

    def line_changed(self) -> None:
        """Who waits, or in which order, has changed, or the queue was paused or resumed."""


class JobQueue:
    """Runs jobs one after another on the engine's thread, and those of the background lane on a thread of their own.

    `execute(job)` does the work and gives the result; it is called on these threads only. `most_overtaking()` says how
    often a job may be passed by others whose checkpoint is loaded already.
    """

    def __init__(
        self,
        execute: Callable[[AnyJob], Any],
        observers: Sequence[Observer] = (),
        most_overtaking: Callable[[], int] = lambda: 0,
    ) -> None:
        self._execute, self._observers, self._most_overtaking = execute, list(observers), most_overtaking
        self._changed = threading.Condition()
        self._line = WaitingList()
        self._running: dict[Lane, AnyJob] = {}
        self._finished: collections.deque[AnyJob] = collections.deque(maxlen=REMEMBERED)
        self._tasks: collections.deque[Callable[[], None]] = collections.deque()
        self._taken: set[str] = set()
        self._loaded: str | None = None
        self._paused = self._closing = False
        self._threads: dict[Lane, threading.Thread] = {}
        self._start("engine")

    # Jobs come and go

    def observe(self, observer: Observer) -> None:
        """Have `observer` hear of everything from now on, after those that were there before."""
        self._observers.append(observer)

    def submit(self, job: GivenJob) -> GivenJob:
        """Put `job` at the end of those of its priority. Raises EaselError when the program is ending."""
        self.submit_all([job])
        return job

    def submit_all(self, jobs: Sequence[AnyJob], *, kept: bool = False) -> None:
        """Put several jobs into the queue at once. `kept` ones waited before the program began: they go in front.

        Raises IdTaken, with nothing changed, for an id that a job has which has not ended.
        """
        names = [job.id for job in jobs]
        with self._changed:
            self._refuse_when_closing()
            self._take(names)
            for job, place in zip(jobs, self._line.places(len(jobs), in_front=kept), strict=True):
                job.place = place
        try:
            for observer in self._observers:
                observer.changed(jobs) if kept else observer.submitted(jobs)
            self._let_wait(jobs)
        finally:
            with self._changed:
                self._taken.difference_update(names)
        self._tell_line()

    def _take(self, names: Sequence[str]) -> None:
        """Reserve ids until their jobs wait, so that of two who want the same one only one gets it."""
        running = {job.id for job in self._running.values()}
        for name in names:
            if name in self._taken or name in running or self._line.find(name) is not None or names.count(name) > 1:
                raise IdTaken(f"There is a job {name!r} that has not ended. Take another id.", "force_task_id")
        self._taken.update(names)

    def _let_wait(self, jobs: Sequence[AnyJob]) -> None:
        names = {job.id for job in jobs}
        with self._changed:
            if not self._closing:
                if any(job.id in names for job in self._finished):
                    left = [job for job in self._finished if job.id not in names]
                    self._finished = collections.deque(left, maxlen=REMEMBERED)
                for job in jobs:
                    self._line.add(job)
                    self._start(job.lane)
                self._changed.notify_all()
                return
        for job in jobs:  # the end came in between: they are kept, and wait for the next start
            job.finish(JobState.INTERRUPTED)

    def withdraw(self, job: AnyJob) -> bool:
        """Take a job that still waits out of the queue; False when it does not wait (any more)."""
        with self._changed:
            if job not in self._line:
                return False
            self._line.remove(job)
            self._finished.append(job)
        self._end(job, JobState.INTERRUPTED, note=CANCELLED)
        self._tell_line()
        return True

    def call_soon(self, task: Callable[[], None]) -> None:
        """Have `task()` called on the engine's thread between jobs (to load a checkpoint ahead of time, say)."""
        with self._changed:
            self._tasks.append(task)
            self._changed.notify_all()

    # The order, and pauses

    def set_priority(self, job: AnyJob, priority: int) -> bool:
        """Change the priority of a waiting job; False when it does not wait (any more)."""
        return self._reorder(job, lambda: self._line.set_priority(job, priority))

    def move(self, job: AnyJob, to: To | AnyJob) -> bool:
        """Move a waiting job to an end of the line or before another one; False when one of them does not wait."""
        return self._reorder(job, lambda: self._line.move(job, to))

    def hold(self, job: AnyJob, *, held: bool) -> bool:
        """Pause a waiting job, or let it wait for its turn again; False when it does not wait (any more)."""

        def change() -> list[AnyJob]:
            job.state = JobState.PAUSED if held else JobState.WAITING
            return [job]

        return self._reorder(job, change)

    @property
    def paused(self) -> bool:
        """Whether no further job is started."""
        return self._paused

    def pause(self, *, paused: bool) -> None:
        """Start no further job, or go on. What runs is not touched."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()
        self._tell_line()

    def _reorder(self, job: AnyJob, change: Callable[[], list[AnyJob]]) -> bool:
        with self._changed:
            if job not in self._line:
                return False
            try:
                touched = change()
            except ValueError:
                self._line.add(job) if job not in self._line else None
                return False
            self._changed.notify_all()
        for observer in self._observers:
            observer.changed(touched)
        self._tell_line()
        return True

    # Views

    @property
    def current(self) -> AnyJob | None:
        """The job that runs on the engine's thread."""
        return self._running.get("engine")

    @property
    def running(self) -> tuple[AnyJob, ...]:
        """The running jobs of all lanes."""
        with self._changed:
            return tuple(self._running.values())

    @property
    def waiting(self) -> tuple[AnyJob, ...]:
        """The jobs that have not started, next first, paused ones among them."""
        with self._changed:
            return tuple(self._line)

    def position_of(self, job_id: str) -> int | None:
        """Which of the waiting jobs it is, 1 for the next one; None for a job that does not wait."""
        with self._changed:
            return self._line.position_of(job_id)

    def find(self, job_id: str) -> AnyJob | None:
        """The job with this id, waiting, running or among the last finished ones."""
        with self._changed:
            if (waiting := self._line.find(job_id)) is not None:
                return waiting
            others = (*self._running.values(), *reversed(self._finished))
        return next((job for job in others if job.id == job_id), None)

    def begin_end(self) -> None:
        """Take no more jobs and interrupt the running ones, without waiting for them.

        Waiters of a job that did not run are told that it was interrupted; where jobs are kept it goes on
        waiting there, for the next start of the program.
        """
        with self._changed:
            self._closing = True
            dropped, running = self._line.clear(), tuple(self._running.values())
            self._tasks.clear()
            self._changed.notify_all()
        for job in dropped:
            job.finish(JobState.INTERRUPTED)
        for job in running:
            job.note = job.note or ENDED
            job.interrupt()

    def close(self, timeout: float = 30.0) -> None:
        """Take no more jobs, interrupt the running ones, and wait for them to end."""
        self.begin_end()
        for thread in self._threads.values():
            thread.join(timeout)

    # The threads

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise EaselError("Easel is shutting down and takes no more jobs.")

    def _tell_line(self) -> None:
        for observer in self._observers:
            observer.line_changed()

    def _start(self, lane: Lane) -> None:
        """Have a thread for `lane`; that of the background begins with its first job."""
        if lane not in self._threads:
            self._threads[lane] = threading.Thread(target=self._work, args=(lane,), name=lane, daemon=True)
            self._threads[lane].start()

    def _work(self, lane: Lane) -> None:
        while (task := self._next(lane)) is not None:
            task()

    def _next(self, lane: Lane) -> Callable[[], None] | None:
        with self._changed:
            while True:
                if lane == "engine" and self._tasks:
                    return self._guarded(self._tasks.popleft())
                job = None if self._paused else self._line.pick(lane, self._loaded, self._most_overtaking())
                if job is not None:
                    self._line.remove(job)
                    self._running[lane] = job
                    self._loaded = job.checkpoint or self._loaded
                    return functools.partial(self._run, job)
                if self._closing:
                    return None
                self._changed.wait()

    def _run(self, job: AnyJob) -> None:
        state, result, error, note = JobState.INTERRUPTED, None, None, CANCELLED
        try:
            if not job.control.interrupted:
                note = STOPPED
                job.state, job.started = JobState.RUNNING, time.time()
                for observer in self._observers:
                    observer.started(job)
                self._tell_line()
                result = self._execute(job)
                state = JobState.INTERRUPTED if _interrupted(job, result) else JobState.DONE
        except Interrupted:
            state = JobState.INTERRUPTED
        except EaselError as failure:
            log.error("Job %s failed: %s", job.id, failure)
            state, error = JobState.FAILED, failure
        except Exception as failure:  # the request boundary: whatever happened, the queue goes on
            log.exception("Job %s failed", job.id)
            state = JobState.FAILED
            error = EaselError(f"{type(failure).__name__}: {failure}. The log has the details.")
        finally:
            self._end(job, state, result=result, error=error, note=note)

    def _end(
        self,
        job: AnyJob,
        state: JobState,
        *,
        result: object = None,
        error: EaselError | None = None,
        note: str = "",
    ) -> None:
        job.note = (job.note or note) if state is JobState.INTERRUPTED else ""
        job.settle(state, result=result, error=error)
        for observer in self._observers:
            observer.ended(job)
        with self._changed:
            if self._running.get(job.lane) is job:
                del self._running[job.lane]
                self._finished.append(job)
            if len(self._finished) > RESULTS_KEPT:
                self._finished[-RESULTS_KEPT - 1] = self._finished[-RESULTS_KEPT - 1].bare()
        job.wake()

    @staticmethod
    def _guarded(task: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                task()
            except EaselError as error:
                log.error("%s", error)
            except Exception:  # the request boundary of background work
                log.exception("A background task failed")

        return run


def _interrupted(job: AnyJob, result: object) -> bool:
    return result.interrupted if isinstance(result, GenerationResult) else job.control.stopping
