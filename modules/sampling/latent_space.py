"""The space that a model's pictures are sampled in: what its VAE makes of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LinearDecoder:
    """red, green and blue in 0..1 as `factors` [channels][3] times the latent plus `bias` [3]."""

    factors: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class LatentSpace:
    """`channels` numbers for each square of `pixels` x `pixels` pixels, which is called a cell.

    Networks see (z - shift) * scale of a VAE's latents z. `preview` turns scaled latents into a small picture; None
    where none was published. Models with equal spaces can go on with each other's latents.
    """

    channels: int
    pixels: int
    scale: float
    shift: float = 0.0
    preview: LinearDecoder | None = None

    def cells(self, height: int, width: int) -> tuple[int, int]:
        """(rows, columns) of the latent of a picture of `height` x `width` pixels."""
        return height // self.pixels, width // self.pixels

    def shape(self, height: int, width: int) -> tuple[int, int, int]:
        """(C, h, w) of the latent of a picture of `height` x `width` pixels."""
        return self.channels, *self.cells(height, width)

    def scaled(self, latents: Tensor) -> Tensor:
        """A VAE's latents as networks see them."""
        return latents * self.scale if not self.shift else (latents - self.shift) * self.scale

    def unscaled(self, latents: Tensor) -> Tensor:
        """The VAE's latents of those that networks see."""
        return latents / self.scale if not self.shift else latents / self.scale + self.shift
