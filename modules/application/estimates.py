"""How long pictures take on this machine and how much memory they need, from what was measured with each run."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import threading
from collections.abc import Generator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import reason_of
from modules.generation.plan import Plan
from modules.generation.result import GenerationResult
from modules.hardware.process_memory import process_peak_bytes, start_process_peak
from modules.hooks.events import RunEvent
from modules.hooks.points import Hooks

log = logging.getLogger(__name__)

OWNER = "Estimates"

NEWEST = 0.4
"""How much the newest run counts beside those before it."""

MOST_KINDS = 100
"""Kinds of runs that are kept of a checkpoint; those that were not used for longest go first."""

MOST_CHECKPOINTS = 500

FARTHEST = 4.5
"""Times as many pixels as a size that was measured, or as few, of which that still tells something."""

LOADING = 0.5
"""Seconds from which on a checkpoint was read and not just taken from memory."""


@dataclass(frozen=True, kw_only=True)
class RunKind:
    """What makes runs alike. `target_width` and `target_height` are those after a second pass, or the same."""

    width: int
    height: int
    target_width: int
    target_height: int
    batch_size: int = 1

    @property
    def area(self) -> int:
        """Pixels of the largest tensors: a whole batch at the final size."""
        return self.target_width * self.target_height * self.batch_size

    def distance(self, other: RunKind) -> float:
        """How unlike two kinds are: 0 for the same, about 1 where one has three times the pixels."""
        pairs = (
            (self.target_width * self.target_height, other.target_width * other.target_height),
            (self.width * self.height, other.width * other.height),
            (self.batch_size, other.batch_size),
            (self.target_width / self.target_height, other.target_width / other.target_height),
        )
        return sum(abs(math.log(own / others)) for own, others in pairs)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What runs of one kind took: seconds of sampling for an evaluation of a megapixel, of all else for a megapixel."""

    kind: RunKind
    sampling: float
    rest: float
    peak_bytes: int = 0
    runs: int = 1


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a run asks of the machine. `evaluations` are the model's, times megapixels, over all passes and pictures."""

    checkpoint: str
    kind: RunKind
    evaluations: float
    pictures: int

    @property
    def megapixels(self) -> float:
        """Size of all finished pictures together, in millions of pixels."""
        return self.kind.target_width * self.kind.target_height * self.pictures / 1e6


@dataclass(frozen=True, kw_only=True)
class RunEstimate:
    """`seconds` without reading the checkpoint, which takes `loading`; 0 bytes where no memory was measured.

    `runs` is how many like it were measured, `exact` whether they had the same size.
    """

    seconds: float
    loading: float
    peak_bytes: int
    runs: int
    exact: bool


class Estimates:
    """Learns from every run, in a JSON file that is safe to lose. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, list[Measured]] | None = None
        self._loading: dict[str, float] = {}

    def attach(self, hooks: Hooks) -> None:
        """Measure every run of the engine that these hooks belong to."""
        hooks.around_run.attach(OWNER, _around)
        hooks.result.attach(OWNER, self._on_result)

    def learn(self, work: Work, result: GenerationResult, process_bytes: int = 0) -> None:
        """Take what a whole run has taken into account, and keep it."""
        if work.evaluations <= 0 or work.megapixels <= 0 or "sample" not in result.seconds:
            return
        passed = ("load", "sample")
        rest = sum(seconds for phase, seconds in result.seconds.items() if phase not in passed)
        new = Measured(
            kind=work.kind,
            sampling=result.seconds["sample"] / work.evaluations,
            rest=rest / work.megapixels,
            peak_bytes=result.peak_device_bytes or process_bytes,
        )
        with self._lock:
            known = self._read()
            entries = known.pop(work.checkpoint, [])
            before = next((each for each in entries if each.kind == work.kind), None)
            entries = [each for each in entries if each.kind != work.kind]
            known[work.checkpoint] = [*entries[1 - MOST_KINDS :], new if before is None else _joined(before, new)]
            if (loading := result.seconds.get("load", 0.0)) > LOADING:
                self._loading[work.checkpoint] = loading
            for name in list(known)[: max(0, len(known) - MOST_CHECKPOINTS)]:
                known.pop(name)
                self._loading.pop(name, None)
            self._write(known)

    def estimate(self, work: Work) -> RunEstimate | None:
        """What this would take; None while nothing near its size was measured with its checkpoint."""
        with self._lock:
            entries = [
                each
                for each in self._read().get(work.checkpoint, ())
                if 1 / FARTHEST <= each.kind.area / work.kind.area <= FARTHEST
            ]
            loading = self._loading.get(work.checkpoint, 0.0)
        if not entries:
            return None
        by_distance = sorted(entries, key=lambda each: each.kind.distance(work.kind))
        nearest = by_distance[0]
        exact = nearest.kind == work.kind
        return RunEstimate(
            seconds=nearest.sampling * work.evaluations + nearest.rest * work.megapixels,
            loading=loading,
            peak_bytes=nearest.peak_bytes if exact else _between(by_distance, work.kind.area),
            runs=nearest.runs,
            exact=exact,
        )

    def _on_result(self, result: GenerationResult, event: RunEvent) -> GenerationResult:
        work = None if event.plan is None or result.interrupted else work_of(event.plan)
        if work is not None:
            self.learn(work, result, process_peak_bytes() if event.kept.get(OWNER) else 0)
        return result

    def _read(self) -> dict[str, list[Measured]]:
        if self._known is None:
            self._known = {}
            try:
                content = json.loads(self.path.read_bytes())
                for name, entry in cast("dict[str, Any]", content).items():
                    self._known[name] = [_measured(each) for each in entry["runs"]]
                    self._loading[name] = float(entry["loading"])
            except FileNotFoundError:
                pass
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                log.warning("%s cannot be read (%s); what runs take is measured again.", self.path, error)
                self._known, self._loading = {}, {}
        return self._known

    def _write(self, known: dict[str, list[Measured]]) -> None:
        content = {
            name: {"loading": self._loading.get(name, 0.0), "runs": [asdict(each) for each in entries]}
            for name, entries in known.items()
        }
        try:
            with atomic_write(self.path, durable=False) as file:
                file.write(json.dumps(content).encode())
        except OSError as error:
            log.warning("What runs take is not kept in %s: %s.", self.path, reason_of(error))


@contextlib.contextmanager
def _around(event: RunEvent) -> Generator[None]:
    event.kept[OWNER] = start_process_peak()
    yield


def work_of(plan: Plan) -> Work | None:
    """What a plan asks of the machine; None for one whose first pass is a picture that is there already."""
    if plan.hires is not None and plan.hires.first_picture is not None:
        return None
    target = plan.hires.target if plan.hires is not None else (plan.width, plan.height)
    kind = RunKind(
        width=plan.width,
        height=plan.height,
        target_width=target[0],
        target_height=target[1],
        batch_size=min(plan.batch_size, plan.count),
    )
    steps = steps_on_pictures(plan.steps, plan.denoising_strength, fixed=plan.settings.img2img_fix_steps)
    evaluations = plan.sampler.model_calls(steps) * plan.width * plan.height / 1e6 * plan.count
    if plan.hires is not None:  # whose steps are all done, whatever the strength
        second = plan.hires.second
        evaluations += second.sampler.model_calls(second.steps) * second.width * second.height / 1e6 * plan.count
    return Work(checkpoint=plan.checkpoint.name, kind=kind, evaluations=evaluations, pictures=plan.count)


def steps_on_pictures(steps: int, strength: float | None, *, fixed: bool = False) -> int:
    """The steps that are done: over pictures a share of them, which the strength says."""
    return steps if strength is None or fixed else int(min(strength, 0.999) * steps) + 1


def _joined(before: Measured, new: Measured) -> Measured:
    return replace(
        new,
        sampling=before.sampling + NEWEST * (new.sampling - before.sampling),
        rest=before.rest + NEWEST * (new.rest - before.rest),
        peak_bytes=max(new.peak_bytes, before.peak_bytes),
        runs=before.runs + 1,
    )


def _between(by_distance: list[Measured], area: int) -> int:
    """The memory at another area: on the line through the two nearest kinds of different areas; 0 with only one."""
    known = [each for each in by_distance if each.peak_bytes]
    second = next((each for each in known[1:] if each.kind.area != known[0].kind.area), None) if known else None
    if second is None:
        return 0
    first = known[0]
    slope = (second.peak_bytes - first.peak_bytes) / (second.kind.area - first.kind.area)
    return round(max(min(first.peak_bytes, second.peak_bytes) / 2, first.peak_bytes + slope * (area - first.kind.area)))


def _measured(entry: Any) -> Measured:
    kind = RunKind(**{each.name: int(entry["kind"][each.name]) for each in fields(RunKind)})
    if min(asdict(kind).values()) < 1:
        raise ValueError(f"a size of {kind}")
    return Measured(
        kind=kind,
        sampling=float(entry["sampling"]),
        rest=float(entry["rest"]),
        peak_bytes=int(entry["peak_bytes"]),
        runs=int(entry["runs"]),
    )
