"""One network taking over from another in the middle of sampling, as SDXL's refiner does.

Podell et al. 2023, "SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis", section 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from modules.sampling.samplers.registry import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from modules.sampling.conditioning import CondsAt
    from modules.sampling.guidance import UNet
    from modules.sampling.model_schedule import ModelSchedule


@dataclass(frozen=True, kw_only=True, eq=False)
class Successor:
    """A network with all that belongs to it: noise levels, conditioning, and what goes in beside the latent."""

    unet: UNet
    schedule: ModelSchedule
    conds: CondsAt
    image_cond: Tensor | None = None
    empty_prompt: Tensor | None = None


class Succession(Protocol):
    """Asked before every evaluation, counted from 0, until it answers with whoever goes on from there."""

    def __call__(self, *, call: int, total_calls: int, level: float) -> Successor | None: ...


def share_done(sampler: Sampler, schedule: ModelSchedule, level: float) -> float:
    """How much of the model's noise levels lies behind, 0 to nearly 1; `level` is as the sampler counts."""
    last = schedule.total_steps - 1
    if sampler.space == "timesteps":
        return (last - int(level)) / schedule.total_steps
    nearest = int((schedule.sigmas - level).abs().argmin())
    return (last - (nearest * schedule.stride + schedule.stride - 1)) / schedule.total_steps
