"""Latents enlarged by interpolation, without going through pixels: the "Latent" upscalers of hires fix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LatentUpscale:
    """A way to interpolate: torch's name of it, and whether it smooths where it makes smaller."""

    mode: Literal["bilinear", "bicubic", "nearest", "nearest-exact"]
    antialias: bool = False


DEFAULT = "Latent"

LATENT_UPSCALERS: Mapping[str, LatentUpscale] = {
    DEFAULT: LatentUpscale(mode="bilinear"),
    "Latent (antialiased)": LatentUpscale(mode="bilinear", antialias=True),
    "Latent (bicubic)": LatentUpscale(mode="bicubic"),
    "Latent (bicubic antialiased)": LatentUpscale(mode="bicubic", antialias=True),
    "Latent (nearest)": LatentUpscale(mode="nearest"),
    "Latent (nearest-exact)": LatentUpscale(mode="nearest-exact"),
}
"""By A1111's names, in its order."""


def upscale_latents(latents: Tensor, height: int, width: int, how: LatentUpscale) -> Tensor:
    """`latents` [B, C, h, w] as [B, C, height, width]."""
    from torch.nn import functional

    return functional.interpolate(latents, size=(height, width), mode=how.mode, antialias=how.antialias)


def crop_latents(latents: Tensor, columns: int, rows: int) -> Tensor:
    """`latents` [B, C, h, w] without `columns` and `rows` of cells, the smaller half of them at the left and top."""
    height, width = latents.shape[-2:]
    return latents[..., rows // 2 : height - (rows + 1) // 2, columns // 2 : width - (columns + 1) // 2]
