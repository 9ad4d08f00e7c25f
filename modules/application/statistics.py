"""What has happened since the program started, counted for monitoring."""

from __future__ import annotations

import bisect
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from modules.application.jobs.job import AnyJob
from modules.application.jobs.queue import JobQueue, Observer
from modules.generation.result import GenerationResult
from modules.hooks.events import RunEvent, StepEvent
from modules.hooks.points import Hooks

OWNER = "Statistics"
BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Seconds; upper ends of the classes in which durations are counted."""


@dataclass
class Durations:
    """Seconds of one kind of work: how many fell into each class of `BOUNDS` (the last: longer), and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration in its bucket and in the total."""
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A moment's reading. `jobs` are the ended ones by kind and state, `phases` the durations by phase of a run."""

    uptime: float
    jobs: Mapping[tuple[str, str], int]
    phases: Mapping[str, tuple[tuple[int, ...], float]]
    pictures: int
    steps: int
    last_steps_per_second: float


class Statistics(Observer):
    """Counts jobs, pictures, steps and seconds. Thread-safe; hears of them by the queue and by the public hooks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._jobs: Counter[tuple[str, str]] = Counter()
        self._phases: dict[str, Durations] = {}
        self._pictures = self._steps = self._steps_of_run = 0
        self._last_rate = 0.0

    def attach(self, queue: JobQueue, hooks: Hooks) -> None:
        """Hear of every job, every step and every result."""
        queue.observe(self)
        hooks.step.attach(OWNER, self._on_step)
        hooks.result.attach(OWNER, self._on_result)

    def ended(self, job: AnyJob) -> None:
        """Count a job that has ended."""
        with self._lock:
            self._jobs[job.kind, job.state.value] += 1

    def read(self) -> Figures:
        """A copy of all counters."""
        with self._lock:
            return Figures(
                uptime=time.monotonic() - self._started,
                jobs=dict(self._jobs),
                phases={name: (tuple(each.counts), each.total) for name, each in self._phases.items()},
                pictures=self._pictures,
                steps=self._steps,
                last_steps_per_second=self._last_rate,
            )

    def _on_step(self, event: StepEvent) -> None:
        self._steps += 1
        self._steps_of_run += 1

    def _on_result(self, result: GenerationResult, event: RunEvent) -> GenerationResult:
        sampling = result.seconds.get("sample", 0.0)
        with self._lock:
            for phase, seconds in result.seconds.items():
                self._phases.setdefault(phase, Durations()).add(seconds)
            self._pictures += len(result.samples)
            if sampling > 0:
                self._last_rate = self._steps_of_run / sampling
            self._steps_of_run = 0
        return result
