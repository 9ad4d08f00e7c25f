"""Jobs: requests with a place in the queue, a state and, at the end, a result or an error."""

from __future__ import annotations

import dataclasses
import enum
import threading
import time
import uuid
from collections.abc import Callable

from modules.foundation.errors import EaselError
from modules.generation.progress import ProgressSnapshot, RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult


class JobState(enum.Enum):
    """Where a job stands. The last three are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Job:
    """One request on its way through the queue.

    `interrupt()` before it runs takes it out of the queue; while it runs it stops within a step and keeps what is
    finished. `result` is there once the state is DONE or INTERRUPTED (None if it never ran), `error` when FAILED.
    """

    def __init__(self, request: GenerationRequest, job_id: str | None = None) -> None:
        self.id = job_id or f"task({uuid.uuid4().hex[:15]})"
        self.request = request
        self.control = RunControl()
        self.created = time.time()
        self.state = JobState.WAITING
        self.result: GenerationResult | None = None
        self.error: EaselError | None = None
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._watchers: list[Callable[[], None]] = []

    @property
    def finished(self) -> bool:
        """Whether the state is final."""
        return self._finished.is_set()

    @property
    def progress(self) -> ProgressSnapshot:
        """How far the job is."""
        return self.control.snapshot()

    def interrupt(self) -> None:
        """Stop the job within its current step, or before its first."""
        self.control.interrupt()

    def skip(self) -> None:
        """Leave the current batch and go on with the next."""
        self.control.skip()

    def wait(self, timeout: float | None = None) -> GenerationResult:
        """The result, as soon as it is there.

        Raises the job's EaselError if it failed, TimeoutError after `timeout` seconds.
        """
        if not self._finished.wait(timeout):
            raise TimeoutError(f"Job {self.id} is still {self.state.value}.")
        if self.error is not None:
            raise self.error
        return self.result or GenerationResult(images=(), info={}, interrupted=True)

    def when_finished(self, callback: Callable[[], None]) -> None:
        """Have `callback()` called once the state is final: at once if it is, else on the queue's thread."""
        with self._lock:
            if not self._finished.is_set():
                self._watchers.append(callback)
                return
        callback()

    def without_pictures(self) -> Job:
        """A finished job of the same name that tells how this one ended, but holds no picture of it."""
        bare = Job(dataclasses.replace(self.request, init_images=()), self.id)
        bare.created = self.created
        bare.finish(self.state, error=self.error)
        return bare

    def finish(
        self, state: JobState, *, result: GenerationResult | None = None, error: EaselError | None = None
    ) -> None:
        """Set the final state and wake everybody who waits. Called by the queue alone."""
        self.result, self.error, self.state = result, error, state
        with self._lock:
            self._finished.set()
            watchers, self._watchers = self._watchers, []
        for callback in watchers:
            callback()
