"""When the UNet computes: the same instrument for every pipeline that calls it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Seconds of one sampling loop, from the first call of the UNet to the end of the last."""

    calls: int
    total: float
    inside: float

    @property
    def outside_share(self) -> float:
        """The part of the loop in which the UNet did not compute."""
        return 1 - self.inside / self.total


class UnetClock:
    """Notes begin and end of every call of a network while entered; on CUDA on the device's own time line."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network
        self._mark: Callable[[], Any] = _cuda_mark if device.type == "cuda" else time.perf_counter
        self._marks: list[Any] = []
        self._handles: list[Any] = []

    def __enter__(self) -> UnetClock:
        def note(*_: Any) -> None:
            self._marks.append(self._mark())

        self._handles = [self._network.register_forward_pre_hook(note), self._network.register_forward_hook(note)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def read(self) -> Sampling:
        """What was noted since the last reading. On CUDA this waits for the device."""
        marks, self._marks = self._marks, []
        if len(marks) < 2:
            raise RuntimeError("The UNet was never called, so there is nothing to measure.")
        times = [_seconds(marks[0], mark) for mark in marks]
        inside = sum(end - begin for begin, end in zip(times[::2], times[1::2], strict=True))
        return Sampling(calls=len(times) // 2, total=times[-1], inside=inside)


def _cuda_mark() -> Any:
    import torch

    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _seconds(first: Any, later: Any) -> float:
    if isinstance(first, float):
        return later - first
    later.synchronize()
    return first.elapsed_time(later) / 1000
