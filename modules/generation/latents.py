"""Pictures in the model's own space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Latents:
    """A batch of latents [B, C, h, w] on the device, float32, scaled as the UNet sees them."""

    samples: Tensor

    @property
    def count(self) -> int:
        """Number of pictures in the batch."""
        return int(self.samples.shape[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """What sampling a batch gave: its `latents`, or `pixels` [B, 3, H, W] of -1 to 1 where they are decoded already.

    Both are None where sampling was interrupted before there was anything to see. `decode` makes pixels of latents.
    """

    latents: Latents | None = None
    pixels: Tensor | None = None
    decode: Callable[[Latents], Tensor] | None = None


Sampling = Callable[[], Samples]
"""Samples one batch, or one of its passes; may be called more than once, and then begins again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtraNoise:
    """More noise for a picture that sampling starts from, about to be added. All are [B, C, h, w].

    `noise` will be scaled by the setting and added to `noised`, which is `clean` with the noise of the first step.
    """

    noise: Tensor
    clean: Tensor
    noised: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class StepReport:
    """A sampling step: `index` of `total` (from 0) at the noise level `sigma`.

    `x` are the latents and `denoised` the model's estimate, [B, C, h, w].
    """

    index: int
    total: int
    sigma: float
    x: Tensor
    denoised: Tensor
