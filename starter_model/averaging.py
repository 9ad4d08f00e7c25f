"""Training with several single-thread workers that average their weights now and then (local SGD).

On a processor shared with other programs one thread per process and a meeting every few seconds loses far less than
one process whose threads wait for each other at every operation. Stich, "Local SGD Converges Fast and Communicates
Little" (2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import BrokenBarrierError
from typing import Any

import torch
from torch import Tensor, nn


def flatten(parameters: Iterable[Tensor], out: Tensor | None = None) -> Tensor:
    """All parameters one after another as one float32 vector."""
    parts = [p.detach().reshape(-1).float() for p in parameters]
    return torch.cat(parts) if out is None else torch.cat(parts, out=out)


@torch.no_grad()
def unflatten(vector: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector made by `flatten` back."""
    start = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.copy_(vector[start : start + count].view_as(parameter))
        start += count


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """What the workers share: one row of weights each, a row of numbers each, and a barrier."""

    rows: Tensor
    notes: Tensor
    barrier: Any

    @staticmethod
    def of(workers: int, size: int, notes: int, context: Any) -> Meeting:
        """Shared memory for `workers` vectors of `size` and as many rows of `notes` numbers."""
        return Meeting(
            rows=torch.zeros(workers, size).share_memory_(),
            notes=torch.zeros(workers, notes, dtype=torch.float64).share_memory_(),
            barrier=context.Barrier(workers),
        )

    def average(self, rank: int, module: nn.Module | Sequence[Tensor], notes: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Replace the weights by their mean over workers; returns that vector and everybody's notes [workers, n].

        Raises BrokenBarrierError when another worker is gone.
        """
        parameters = list(module.parameters()) if isinstance(module, nn.Module) else list(module)
        flatten(parameters, out=self.rows[rank])
        self.notes[rank] = torch.tensor(list(notes), dtype=torch.float64)
        self.barrier.wait(600)
        mean, notes_mean = self.rows.mean(0), self.notes.clone()
        self.barrier.wait(600)
        unflatten(mean, parameters)
        return mean, notes_mean


__all__ = ["BrokenBarrierError", "Meeting", "flatten", "unflatten"]
