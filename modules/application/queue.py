"""The queue in front of the engine: one job at a time, in the order they came."""

from __future__ import annotations

import collections
import functools
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from modules.application.jobs import Job, JobState, Lane
from modules.foundation.errors import EaselError, Interrupted
from modules.generation.result import GenerationResult

log = logging.getLogger(__name__)

AnyJob = TypeVar("AnyJob", bound=Job[Any])

REMEMBERED = 200
"""Finished jobs that can still be asked about by id."""

RESULTS_KEPT = 8
"""Finished jobs whose pictures are still in memory; of those before them it is only known how they ended."""


class JobQueue:
    """Runs jobs one after another on the engine's thread, and those of the background lane on a thread of their own.

    `execute(job)` does the work and gives the result; it is called on these threads only.
    """

    def __init__(self, execute: Callable[[Job[Any]], Any]) -> None:
        self._execute = execute
        self._changed = threading.Condition()
        self._waiting: list[Job[Any]] = []
        self._running: dict[Lane, Job[Any]] = {}
        self._finished: collections.deque[Job[Any]] = collections.deque(maxlen=REMEMBERED)
        self._tasks: collections.deque[Callable[[], None]] = collections.deque()
        self._closing = False
        self._threads: dict[Lane, threading.Thread] = {}
        self._start("engine")

    def submit(self, job: AnyJob) -> AnyJob:
        """Put `job` at the end of the queue. Raises EaselError when the program is ending."""
        with self._changed:
            if self._closing:
                raise EaselError("Easel is shutting down and takes no more jobs.")
            self._waiting.append(job)
            self._start(job.lane)
            self._changed.notify_all()
        return job

    def withdraw(self, job: Job[Any]) -> bool:
        """Take a job that still waits out of the queue; False when it does not wait (any more)."""
        with self._changed:
            if job not in self._waiting:
                return False
            self._waiting.remove(job)
            self._finished.append(job)
        job.finish(JobState.INTERRUPTED)
        return True

    def call_soon(self, task: Callable[[], None]) -> None:
        """Have `task()` called on the engine's thread between jobs (to load a checkpoint ahead of time, say)."""
        with self._changed:
            self._tasks.append(task)
            self._changed.notify_all()

    @property
    def current(self) -> Job[Any] | None:
        """The job that runs on the engine's thread."""
        return self._running.get("engine")

    @property
    def running(self) -> tuple[Job[Any], ...]:
        """The running jobs of all lanes."""
        with self._changed:
            return tuple(self._running.values())

    @property
    def waiting(self) -> tuple[Job[Any], ...]:
        """The jobs that have not started, next first."""
        with self._changed:
            return tuple(self._waiting)

    def find(self, job_id: str) -> Job[Any] | None:
        """The job with this id, waiting, running or among the last finished ones."""
        with self._changed:
            candidates = (*self._waiting, *self._running.values(), *reversed(self._finished))
        return next((job for job in candidates if job.id == job_id), None)

    @property
    def last_result(self) -> GenerationResult | None:
        """What the last job made that made any picture."""
        with self._changed:
            finished = tuple(reversed(self._finished))
        return next(
            (job.result for job in finished if isinstance(job.result, GenerationResult) and job.result.images), None
        )

    def close(self, timeout: float = 30.0) -> None:
        """Take no more jobs, interrupt the running ones, and wait for them to end."""
        with self._changed:
            self._closing = True
            dropped, running = tuple(self._waiting), tuple(self._running.values())
            self._waiting.clear()
            self._tasks.clear()
            self._changed.notify_all()
        for job in dropped:
            job.finish(JobState.INTERRUPTED)
        for job in running:
            job.interrupt()
        for thread in self._threads.values():
            thread.join(timeout)

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
                if (job := next((job for job in self._waiting if job.lane == lane), None)) is not None:
                    self._waiting.remove(job)
                    self._running[lane] = job
                    return functools.partial(self._run, job)
                if self._closing:
                    return None
                self._changed.wait()

    def _run(self, job: Job[Any]) -> None:
        try:
            if job.control.interrupted:
                job.finish(JobState.INTERRUPTED)
                return
            job.state = JobState.RUNNING
            result = self._execute(job)
            job.finish(JobState.INTERRUPTED if _interrupted(job, result) else JobState.DONE, result=result)
        except Interrupted:
            job.finish(JobState.INTERRUPTED)
        except EaselError as error:
            log.error("Job %s failed: %s", job.id, error)
            job.finish(JobState.FAILED, error=error)
        except Exception as error:  # the request boundary: whatever happened, the queue goes on
            log.exception("Job %s failed", job.id)
            job.finish(JobState.FAILED, error=EaselError(f"{type(error).__name__}: {error}. The log has the details."))
        finally:
            with self._changed:
                self._finished.append(job)
                del self._running[job.lane]
                if len(self._finished) > RESULTS_KEPT:
                    self._finished[-RESULTS_KEPT - 1] = self._finished[-RESULTS_KEPT - 1].bare()

    @staticmethod
    def _guarded(task: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                task()
            except EaselError as error:
                log.error("%s", error)
            except Exception:  # the request boundary of work nobody waits for
                log.exception("A background task failed")

        return run


def _interrupted(job: Job[Any], result: object) -> bool:
    return result.interrupted if isinstance(result, GenerationResult) else job.control.stopping
