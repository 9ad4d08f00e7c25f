"""Latents that keep their source outside a mask.

Lugmayr et al. 2022, "RePaint", equation 8, without its resampling: after each evaluation the known part of the
estimate is put back. Soft inpainting mixes both instead, by a share that falls with the noise level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor


class Blend(Protocol):
    """Keeps parts of a latent [B, C, H, W]. `level` is a noise level or a time step, as the sampler counts."""

    def __call__(self, latent: Tensor, level: float) -> Tensor: ...

    def finished(self, latent: Tensor) -> Tensor:
        """The latent after the last step."""
        ...

    def image(self, index: int) -> Blend:
        """The same for one image of the batch."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class HardBlend:
    """The source wherever the mask [B, 1, H, W] is 0; in between it is mixed in.

    `kept` [B, C, H, W] is the source times 1 - mask.
    """

    kept: Tensor
    mask: Tensor

    def __call__(self, latent: Tensor, level: float) -> Tensor:
        return latent * self.mask + self.kept

    def finished(self, latent: Tensor) -> Tensor:
        return self(latent, 0.0)

    def image(self, index: int) -> HardBlend:
        part = slice(index, index + 1)
        return replace(self, kept=self.kept[part], mask=self.mask[part])


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftBlend:
    """The source mixed in by 1 - mask ** (strength * level ** bias): the less, the less noise is left.

    The length of a mixed vector is the power mean of both lengths with exponent `contrast`, so that places where both
    mix do not turn grey.
    """

    source: Tensor
    mask: Tensor
    bias: float
    strength: float
    contrast: float

    def __call__(self, latent: Tensor, level: float) -> Tensor:
        share = self.mask ** (level**self.bias * self.strength)
        mixed = torch.lerp(self.source, latent, share)
        lengths = _length(self.source), _length(latent)
        # Divided by the larger one: powers of up to 32 would leave the range of float32.
        largest = torch.maximum(*lengths).clamp(min=1e-12)
        first, second = ((length / largest) ** self.contrast for length in lengths)
        wanted = (first * (1 - share) + second * share) ** (1 / self.contrast) * largest
        return mixed * (wanted / (_length(mixed) + 1e-5))

    def finished(self, latent: Tensor) -> Tensor:
        return latent

    def image(self, index: int) -> SoftBlend:
        part = slice(index, index + 1)
        return replace(self, source=self.source[part], mask=self.mask[part])


def _length(latent: Tensor) -> Tensor:
    return latent.norm(dim=1, keepdim=True)
