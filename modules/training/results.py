"""What trainings and their estimates end with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What a training ended with. `loss` is that of its last step, None where it made none."""

    path: Path
    step: int
    steps: int
    loss: float | None
    seconds: float
    warnings: tuple[str, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """A training before it is begun. Bytes are those of the device.

    `weights` are the model's, `learning` what learns with its gradients and the optimiser's memory, `activations` what
    is kept of the forward pass until the gradients are there, for the largest batch.
    """

    pictures: int
    skipped: tuple[str, ...]
    steps: int
    steps_per_round: int
    parameters: int
    seconds_per_step: float
    seconds: float
    weights: int
    learning: int
    activations: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.weights + self.learning + self.activations
