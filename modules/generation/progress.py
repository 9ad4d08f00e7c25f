"""How far a run is, and the wishes to stop it: the only values of a run that two threads share."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modules.foundation.errors import Interrupted

if TYPE_CHECKING:
    from PIL import Image


PHASES = {
    "waiting": "Preparing",
    "preparing": "Preparing",
    "loading": "Loading checkpoint",
    "encoding": "Reading the prompt",
    "decoding": "Decoding",
    "saving": "Saving",
    "done": "Saving",
}
"""The phases of a run in words; others are words already."""


@dataclass(frozen=True, kw_only=True)
class ProgressSnapshot:
    """How far a run is at one moment. `fraction` is 0..1; `eta` is in seconds, None while it cannot be told.

    `loaded` is the share (0..1) of a checkpoint that has been read, None when none is being read.
    """

    fraction: float = 0.0
    eta: float | None = None
    phase: str = "waiting"
    step: int = 0
    steps: int = 0
    batch: int = 0
    batches: int = 0
    preview_number: int = 0
    loaded: float | None = None
    elapsed: float = 0.0

    @property
    def words(self) -> str:
        """What the run is at: "Step 9/20", with the batch in front where there are several."""
        doing = f"Step {self.step}/{self.steps}" if self.phase == "sampling" else PHASES.get(self.phase, self.phase)
        if self.phase == "loading" and self.loaded is not None:
            doing = f"{doing} {self.loaded:.0%}"
        return f"Batch {self.batch + 1}/{self.batches} · {doing}" if self.batches > 1 and self.steps else doing


class RunControl:
    """Shared between the thread that makes pictures and those that watch or stop it. All methods are thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupted = threading.Event()
        self._skipped = threading.Event()
        self._stop_after_batch = threading.Event()
        self._started: float | None = None
        self._pace: tuple[tuple[float, float], tuple[float, float]] | None = None
        self._phase, self._step, self._steps, self._batch, self._batches = "waiting", 0, 0, 0, 0
        self._tile, self._tiles = 0, 0
        self._share: float | None = None
        self._part = (0, 1)
        self._loaded: float | None = None
        self._preview: Image.Image | None = None
        self._preview_number = 0
        self._changes = 0
        self.on_change: Callable[[str], None] | None = None
        """Called with "step" or "preview" on the thread that reports; within the sampling loop, so be quick."""

    # Wishes, from any thread

    def interrupt(self) -> None:
        """Stop within the current step; what is finished is kept."""
        self._request(self._interrupted)

    def skip(self) -> None:
        """Leave the current batch within its current step and go on with the next."""
        self._request(self._skipped)

    def stop_after_batch(self) -> None:
        """Finish the current batch, then stop."""
        self._request(self._stop_after_batch)

    def _request(self, request: threading.Event) -> None:
        request.set()
        with self._lock:
            self._changes += 1

    @property
    def interrupted(self) -> bool:
        """Whether a client asked to stop at once."""
        return self._interrupted.is_set()

    @property
    def skipped(self) -> bool:
        """Whether a client asked to skip the current batch."""
        return self._skipped.is_set()

    @property
    def stopping(self) -> bool:
        """Whether no further batch is to be started."""
        return self._interrupted.is_set() or self._stop_after_batch.is_set()

    def check(self) -> None:
        """Raise Interrupted when the work at hand should be left. Called before each call of the UNet."""
        if self._interrupted.is_set() or self._skipped.is_set():
            raise Interrupted

    def check_interrupt(self) -> None:
        """Raise Interrupted when the whole run should be left: where there is no batch yet that could be skipped."""
        if self._interrupted.is_set():
            raise Interrupted

    # Reports, from the working thread

    def begin(self, batches: int) -> None:
        """The run starts and will make `batches` batches."""
        with self._report():
            self._started, self._batches, self._phase = time.monotonic(), batches, "preparing"

    def begin_part(self, index: int, count: int) -> None:
        """Run `index` (from 0) of the `count` that make up the job starts; the fraction is that of all of them."""
        with self._report():
            self._part = (index, max(count, index + 1))
            self._step = self._steps = self._batch = self._tile = self._tiles = 0
            self._share = None

    def begin_batch(self, index: int, steps: int) -> None:
        """Batch `index` (from 0) starts; it takes `steps` sampling steps."""
        self._skipped.clear()
        with self._report():
            self._batch, self._step, self._steps, self._phase = index, 0, steps, "sampling"
            self._tile = self._tiles = 0
            self._advanced()
        self._tell("step")

    def at_step(self, step: int) -> None:
        """`step` sampling steps of this batch are done."""
        with self._report():
            self._step = step
            self._advanced()
        self._tell("step")

    def at_tile(self, done: int, total: int) -> None:
        """`done` of `total` tiles of a picture are upscaled."""
        with self._report():
            self._tile, self._tiles, self._phase = done, total, "upscaling"
            self._advanced()

    def at_phase(self, phase: str) -> None:
        """The run is now `phase`: "loading", "encoding", "upscaling", "decoding", "saving", "done"."""
        with self._report():
            self._phase = phase
        self._tell("step")

    def at(self, fraction: float, phase: str) -> None:
        """Work that has no steps is `fraction` (0..1) done and now `phase`: "merging", "downloading"."""
        with self._report():
            self._started = self._started or time.monotonic()
            self._share, self._phase = fraction, phase
            self._advanced()
        self._tell("step")

    def at_load(self, share: float) -> None:
        """`share` (0..1) of a checkpoint has been read. Raises Interrupted when a client asked to stop meanwhile."""
        with self._report():
            self._loaded = share if share < 1 else None
        self.check_interrupt()

    def show(self, preview: Image.Image) -> None:
        """The newest view of the unfinished picture."""
        with self._report():
            self._preview = preview
            self._preview_number += 1
        self._tell("preview")

    def _advanced(self) -> None:
        """Note the pace: where the first report of progress was made, and the newest.

        What comes before the first one tells nothing of the pace: a network's first call is slower than all others.
        """
        now = time.monotonic(), self._fraction()
        if now[1] > 0:
            self._pace = (self._pace[0], now) if self._pace is not None else (now, now)

    def _eta(self, now: float) -> float | None:
        """Seconds until the end at the pace between those reports; None before the second one."""
        if self._pace is None:
            return None
        (begun, first), (newest, fraction) = self._pace
        if not first < fraction < 1:
            return None
        remaining = (newest - begun) / (fraction - first) * (1 - fraction)
        return max(remaining - (now - newest), 0.0)

    @contextlib.contextmanager
    def _report(self) -> Generator[None]:
        with self._lock:
            yield
            self._changes += 1

    def _tell(self, what: str) -> None:
        if (listener := self.on_change) is not None:
            listener(what)

    # Views, from any thread

    @property
    def preview(self) -> tuple[int, Image.Image | None]:
        """The newest preview and its number; the number grows with each new one."""
        with self._lock:
            return self._preview_number, self._preview

    @property
    def changes(self) -> int:
        """A number that is another one after each report and each wish; only `eta` and `elapsed` go on without."""
        return self._changes

    def snapshot(self) -> ProgressSnapshot:
        """How far the run is now."""
        with self._lock:
            if self._started is None:
                return ProgressSnapshot()
            now = time.monotonic()
            return ProgressSnapshot(
                fraction=self._fraction(),
                eta=self._eta(now),
                phase=self._phase,
                step=self._step,
                steps=self._steps,
                batch=self._batch,
                batches=self._batches,
                preview_number=self._preview_number,
                loaded=self._loaded,
                elapsed=now - self._started,
            )

    def _fraction(self) -> float:
        done, parts = self._part
        return (done + self._fraction_of_part()) / parts

    def _fraction_of_part(self) -> float:
        if self._phase == "done":
            return 1.0
        if self._share is not None:
            return min(max(self._share, 0.0), 1.0)
        if not self._steps and self._tiles:
            return min((self._batch + self._tile / self._tiles) / max(self._batches, 1), 1.0)
        if not self._batches or not self._steps:
            return 0.0
        return min((self._batch + self._step / self._steps) / self._batches, 1.0)
