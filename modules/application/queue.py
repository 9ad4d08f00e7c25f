"""The queue in front of the engine: one job at a time, in the order they came."""

from __future__ import annotations

import collections
import logging
import threading
from collections.abc import Callable

from modules.application.jobs import Job, JobState
from modules.foundation.errors import EaselError, Interrupted
from modules.generation.result import GenerationResult

log = logging.getLogger(__name__)

REMEMBERED = 200
"""Finished jobs that can still be asked about by id."""

RESULTS_KEPT = 8
"""Finished jobs whose pictures are still in memory; of those before them it is only known how they ended."""


class JobQueue:
    """Runs jobs on one thread. `execute(job)` makes the pictures; it is called on that thread only."""

    def __init__(self, execute: Callable[[Job], GenerationResult]) -> None:
        self._execute = execute
        self._changed = threading.Condition()
        self._waiting: collections.deque[Job] = collections.deque()
        self._current: Job | None = None
        self._finished: collections.deque[Job] = collections.deque(maxlen=REMEMBERED)
        self._tasks: collections.deque[Callable[[], None]] = collections.deque()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Job:
        """Put `job` at the end of the queue. Raises EaselError when the program is ending."""
        with self._changed:
            if self._closing:
                raise EaselError("Easel is shutting down and takes no more jobs.")
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def withdraw(self, job: Job) -> bool:
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
    def current(self) -> Job | None:
        """The running job."""
        return self._current

    @property
    def waiting(self) -> tuple[Job, ...]:
        """The jobs that have not started, next first."""
        with self._changed:
            return tuple(self._waiting)

    def find(self, job_id: str) -> Job | None:
        """The job with this id, waiting, running or among the last finished ones."""
        with self._changed:
            candidates = (*self._waiting, *([self._current] if self._current else []), *self._finished)
        return next((job for job in candidates if job.id == job_id), None)

    @property
    def last_result(self) -> GenerationResult | None:
        """What the last job made that made any picture."""
        with self._changed:
            finished = tuple(reversed(self._finished))
        return next((job.result for job in finished if job.result and job.result.images), None)

    def close(self, timeout: float = 30.0) -> None:
        """Take no more jobs, interrupt the running one, and wait for it to end."""
        with self._changed:
            self._closing = True
            dropped, current = tuple(self._waiting), self._current
            self._waiting.clear()
            self._tasks.clear()
            self._changed.notify_all()
        for job in dropped:
            job.finish(JobState.INTERRUPTED)
        if current is not None:
            current.interrupt()
        self._thread.join(timeout)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            task()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._tasks or self._closing)
            if self._tasks:
                return self._guarded(self._tasks.popleft())
            if self._waiting:
                job = self._current = self._waiting.popleft()
                return lambda: self._run(job)
            return None

    def _run(self, job: Job) -> None:
        try:
            if job.control.interrupted:
                job.finish(JobState.INTERRUPTED)
                return
            job.state = JobState.RUNNING
            result = self._execute(job)
            job.finish(JobState.INTERRUPTED if result.interrupted else JobState.DONE, result=result)
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
                self._current = None
                if len(self._finished) > RESULTS_KEPT:
                    self._finished[-RESULTS_KEPT - 1] = self._finished[-RESULTS_KEPT - 1].without_pictures()

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
