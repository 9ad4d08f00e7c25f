"""Jobs: work with a place in the queue, a state and, at the end, a result or an error."""

from __future__ import annotations

import enum
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from modules.foundation.errors import EaselError
from modules.foundation.plain import JsonMapping
from modules.generation.progress import ProgressSnapshot, RunControl
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.settings.model import Settings

Result = TypeVar("Result")
Lane = Literal["engine", "background"]

AFTER_RESTART = "Easel ended while this job ran."
LOST = "Easel ended before this job had its turn, and this kind of job cannot be kept."
CANCELLED = "Cancelled before it ran."
STOPPED = "Interrupted while it ran."
ENDED = "Easel was ended while this job ran."


class JobState(enum.Enum):
    """Where a job stands. The last three are final; a paused one waits until it is resumed."""

    WAITING = "waiting"
    PAUSED = "paused"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Job(Generic[Result]):
    """Work on its way through the queue: a `GenerationJob` (pictures) or a `TaskJob` (anything else).

    `interrupt()` before it runs takes it out of the queue; while it runs it stops within a step and keeps what is
    finished. `promised` jobs are on the disk, under the very id they were given, before they are reported as waiting.
    `result` is there once the state is DONE or INTERRUPTED (None if it never ran), `error` when FAILED.
    Greater `priority` runs first; among equals `place` decides. `note` says why a job was interrupted. `number` grows
    with each job that is kept; it is 0 for one that is not.
    """

    def __init__(self, kind: str, title: str, *, job_id: str | None = None, lane: Lane = "engine") -> None:
        self.id = job_id or new_id()
        self.number = 0
        self.kind = kind
        self.title = title
        self.lane: Lane = lane
        self.source = ""
        self.promised = False
        self.priority = 0
        self.place = 0
        self.attempts = 1
        self.overtaken = 0
        self.checkpoint: str | None = None
        self.recurring_id: str | None = None
        self.note = ""
        self.unsaved: dict[str, FinishedImage] = {}
        self.control = RunControl()
        self.created = time.time()
        self.started: float | None = None
        self.ended: float | None = None
        self.state = JobState.WAITING
        self.result: Result | None = None
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

    def wait(self, timeout: float | None = None) -> Result:
        """The result, as soon as it is there.

        Raises the job's EaselError if it failed, TimeoutError after `timeout` seconds.
        """
        if not self._finished.wait(timeout):
            raise TimeoutError(f"Job {self.id} is still {self.state.value}.")
        if self.error is not None:
            raise self.error
        return self.result if self.result is not None else self.without_result()

    def without_result(self) -> Result:
        """What `wait()` gives for a job that was interrupted before it had any result."""
        raise EaselError(f"{self.title} was interrupted before it had a result.")

    def when_finished(self, callback: Callable[[], None]) -> None:
        """Have `callback()` called once the state is final: at once if it is, else on the queue's thread."""
        with self._lock:
            if not self._finished.is_set():
                self._watchers.append(callback)
                return
        callback()

    def bare(self) -> AnyJob:
        """A finished job of the same name that tells how this one ended, but holds nothing large."""
        bare: AnyJob = Job(self.kind, self.title, job_id=self.id, lane=self.lane)
        self._copy_to(bare)
        return bare

    def _copy_to(self, bare: AnyJob) -> None:
        """Make `bare` tell how this job went."""
        for name in ("source", "priority", "attempts", "checkpoint", "recurring_id", "note", "created", "started"):
            setattr(bare, name, getattr(self, name))
        bare.finish(self.state, error=self.error)
        bare.ended = self.ended

    def settle(self, state: JobState, *, result: Result | None = None, error: EaselError | None = None) -> None:
        """Set the final state. Called by the queue alone."""
        self.result, self.error, self.state, self.ended = result, error, state, time.time()

    def wake(self) -> None:
        """Wake everybody who waits for the final state. Called by the queue alone."""
        with self._lock:
            self._finished.set()
            watchers, self._watchers = self._watchers, []
        for callback in watchers:
            callback()

    def finish(self, state: JobState, *, result: Result | None = None, error: EaselError | None = None) -> None:
        """Set the final state and wake everybody who waits."""
        self.settle(state, result=result, error=error)
        self.wake()


class GenerationJob(Job[GenerationResult]):
    """One request for pictures, with the settings and the checkpoint that held when it was submitted.

    Without `settings` those of the moment in which it runs are used; so are the seeds, where the request has none.
    `chosen_seeds` names the seeds that were chosen for it ("seed", "subseed"), so that repeating it chooses others.
    """

    def __init__(
        self,
        request: GenerationRequest,
        job_id: str | None = None,
        *,
        settings: Settings | None = None,
        checkpoint: str | None = None,
        chosen_seeds: tuple[str, ...] = (),
    ) -> None:
        super().__init__("img2img" if request.is_img2img else "txt2img", request.prompt, job_id=job_id)
        self.request = request
        self.settings = settings
        self.checkpoint = checkpoint
        self.chosen_seeds = chosen_seeds

    def without_result(self) -> GenerationResult:
        """The result of a job that made no picture: interrupted, and empty."""
        return GenerationResult(images=(), info={}, interrupted=True)


AnyJob = Job[Any]
"""A job, whatever its result is."""


class TaskJob(Job[Result]):
    """Work that is not a request for pictures: upscaling, a merge, a download, a folder of pictures.

    `work(control)` is called on the thread of its lane and gives the result. It reports by `control.begin(parts)`,
    `control.begin_batch(part, steps)` and `control.at_step(n)`, or by `control.at(fraction, phase)`, and calls
    `control.check()` often (each tile, each block of bytes): that raises Interrupted when it should stop. A result
    returned although it was told to stop is kept as that of an interrupted job.

    Lane "engine" is the engine's thread, for what uses a model or the device; "background" is a thread of its own, one
    task after another, for what would only keep pictures waiting (downloads). `kind` is a word for lists ("extras").

    With `parameters` (what JSON can hold) a task of a kind that is registered (`JobService.register_kind`) survives a
    restart; any other is marked as interrupted by it.
    """

    def __init__(
        self,
        work: Callable[[RunControl], Result],
        *,
        kind: str,
        title: str,
        job_id: str | None = None,
        lane: Lane = "engine",
        parameters: JsonMapping | None = None,
    ) -> None:
        super().__init__(kind, title, job_id=job_id, lane=lane)
        self.work = work
        self.parameters = parameters


def new_id() -> str:
    """An id as A1111's page makes them."""
    return f"task({uuid.uuid4().hex[:15]})"
