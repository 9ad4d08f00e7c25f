"""What samplers, guidance and their callers hand to one another at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class SamplerStep:
    """One finished evaluation of a step, as reported to callbacks.

    `index` counts from 0 to `total` - 1 (DPM adaptive may pass `total`, which it cannot know). `x` is the noisy
    latent at noise level `sigma`, `denoised` the estimate of the finished latent; both [B, C, H, W] on the device and
    not to be written to.
    """

    index: int
    total: int
    sigma: float
    x: Tensor
    denoised: Tensor


Callback = Callable[[SamplerStep], None]
"""Called once a step. It may raise `Interrupted` to end the run."""


class StepNoise(Protocol):
    """Unit-variance noise [B, C, H, W] for the step from one noise level to the next."""

    def __call__(self, sigma: float, sigma_next: float) -> Tensor: ...

    def image(self, index: int) -> StepNoise:
        """The noise of one image of the batch, continuing that image's own stream."""
        ...


class Model(Protocol):
    """A guided network as the samplers see it.

    For samplers over noise levels, `model(x, sigma)` is the denoised latent D(x; sigma) of Karras et al. 2022. For
    samplers over time steps, `model(x, t)` is the noise estimate epsilon(x, t) of Ho et al. 2020.
    """

    def __call__(self, x: Tensor, level: float) -> Tensor: ...

    def with_uncond(self, x: Tensor, level: float) -> tuple[Tensor, Tensor]:
        """The guided and the unconditional estimate of one evaluation."""
        ...

    def image(self, index: int) -> Model:
        """The model for one image of the batch, with a step count of its own."""
        ...
