"""The levels of rectified-flow models, and the time that their networks are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from modules.sampling.model_schedule import ModelSchedule

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowSchedule(ModelSchedule):
    """Levels t in (0, 1], evenly spaced in time before the shift. Build it with `FlowSchedule.shifted`.

    `shift` is that of Esser et al. 2024, "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis"
    (Stable Diffusion 3), equation 23: sqrt(m / n) for pictures of m pixels where n were trained on. `time_scale` is the
    time that the network is told at level 1. `sigmas` are the levels; `alphas_cumprod` those of the
    variance-preserving process with the same ratio of signal to noise.
    """

    shift: float = 1.0
    time_scale: float = 1000.0
    automatic: str | None = "SGM Uniform"
    """Even in time before the shift, from 1 down to a whole step above 0."""

    @classmethod
    def shifted(cls, shift: float = 1.0, *, steps: int = 1000, time_scale: float = 1000.0) -> FlowSchedule:
        """The levels of a model whose training time was shifted by `shift`."""
        if shift <= 0:
            raise ValueError(f"a shift of {shift} does not keep time between 0 and 1")
        t = torch.arange(1, steps + 1, dtype=torch.float64) / steps
        levels = shift * t / (1 + (shift - 1) * t)
        signal, noise = (1 - levels) ** 2, levels**2
        return cls(
            alphas_cumprod=(signal / (signal + noise)).float(),
            sigmas=levels.float(),
            log_sigmas=levels.log().float(),
            prediction="flow",
            shift=shift,
            time_scale=time_scale,
        )

    def sigma_to_t(self, sigma: Tensor, *, quantize: bool | None = None) -> Tensor:
        """Places among `sigmas`, counted from 0, for levels of any shape: time before the shift."""
        level = sigma.double()
        t = level / (self.shift - (self.shift - 1) * level)
        place = t * len(self.sigmas) - 1
        return (place.round() if quantize else place).to(sigma.dtype)

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """Levels for places among `sigmas`, which may lie between two."""
        time = ((t.double() + 1) / len(self.sigmas)).clamp(0, 1)
        return (self.shift * time / (1 + (self.shift - 1) * time)).float()

    def time_of(self, sigma: float) -> float:
        """The time that the network is told at a level."""
        return sigma * self.time_scale
