"""Convolutional networks computed in horizontal bands: the same numbers in a fraction of the memory.

Tiles that know nothing of each other cannot give the picture that the whole gives: group normalisation (Wu, He 2018)
looks at all pixels, and tiles would each have their own mean and variance. Here it is the layers that are cut, not the
picture: a layer's whole input lies in a store (the device, or host memory), and the next layer's whole output is made
from it band by band, each band with as many rows around it as the convolution reaches. Normalisation gathers its
moments over all bands first. There are no seams, nothing is computed twice, and nothing needs to be blended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

RowFunction = Callable[[int, int], Tensor]
"""`rows(top, bottom)`: these rows [1, C, bottom - top, W] of a layer's input, on the device that computes."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where bands are computed and where whole layers are kept; `elements` is how many numbers a band may hold."""

    device: torch.device
    store: torch.device
    elements: int = 1 << 23

    def bands(self, height: int, width: int, channels: int) -> list[tuple[int, int]]:
        """(top, bottom) of the bands of a layer."""
        rows = max(self.elements // max(width * channels, 1), 1)
        return [(top, min(top + rows, height)) for top in range(0, height, rows)]

    def whole(self, channels: int, height: int, width: int, like: Tensor) -> Tensor:
        """Room for a whole layer."""
        return torch.empty(
            (1, channels, height, width), dtype=like.dtype, device=self.store, memory_format=torch.channels_last
        )

    def rows_of(self, layer: Tensor) -> RowFunction:
        """A layer from the store as it is."""
        return lambda top, bottom: layer[:, :, top:bottom].to(self.device)


def normalised(layer: Tensor, norm: nn.GroupNorm, workshop: Workshop, *, activate: bool = True) -> RowFunction:
    """Group normalisation of a whole layer [1, C, H, W], then SiLU; computed when its rows are asked for."""
    scale, shift = _affine(layer, norm, workshop)

    def rows(top: int, bottom: int) -> Tensor:
        band = layer[:, :, top:bottom].to(workshop.device)
        result = torch.addcmul(shift, band.float(), scale).to(band.dtype)
        return functional.silu(result, inplace=True) if activate else result

    return rows


def doubled(layer: Tensor, workshop: Workshop) -> RowFunction:
    """A layer at twice its size, by nearest neighbour."""

    def rows(top: int, bottom: int) -> Tensor:
        first = top // 2
        band = layer[:, :, first : (bottom + 1) // 2].to(workshop.device)
        larger = functional.interpolate(band, scale_factor=2.0, mode="nearest")
        return larger[:, :, top - 2 * first : bottom - 2 * first]

    return rows


def convolved(
    rows: RowFunction,
    size: tuple[int, int],
    conv: nn.Conv2d,
    workshop: Workshop,
    *,
    like: Tensor,
    pad_end: int = 0,
    add_to: Tensor | None = None,
    instead_of: Tensor | None = None,
) -> Tensor:
    """The whole output of a convolution over an input of `size` (height, width) that is asked for row by row.

    `pad_end` rows and columns of zeros follow the input, as the VAE's downsampling wants it. With `add_to` the output
    is added to that layer, which is what is returned; with `instead_of` it takes the place of the layer that the rows
    come from, which must have its size and at least as many channels.
    """
    height, width = size
    reach, stride, kernel = int(conv.padding[0]), int(conv.stride[0]), int(conv.kernel_size[0])
    wraps = conv.padding_mode == "circular" and reach > 0
    out_height, out_width = ((side + 2 * reach + pad_end - kernel) // stride + 1 for side in size)
    if instead_of is not None:
        out = instead_of[:, : conv.out_channels]
    else:
        out = workshop.whole(conv.out_channels, out_height, out_width, like) if add_to is None else add_to
    around = _Around(rows, height, reach, kernel - stride, wraps=wraps)
    for top, bottom in workshop.bands(out_height, width, max(conv.in_channels, conv.out_channels) * stride):
        first = top * stride - reach
        band = around(first, first + (bottom - top - 1) * stride + kernel)
        band = functional.pad(band, (reach, reach, 0, 0), mode="circular") if wraps else band
        sides = (0, pad_end) if wraps else (reach, reach + pad_end)
        band = functional.pad(band, (*sides, 0, 0)) if any(sides) else band
        made = functional.conv2d(band, conv.weight, conv.bias, stride).to(workshop.store)
        if add_to is None:
            out[:, :, top:bottom] = made
        else:
            out[:, :, top:bottom] += made
    return out


class _Around:
    """The rows of a layer and those beyond its edges: zeros, or the opposite edge's.

    The layer is asked for every row once, from top to bottom; the `overlap` of neighbouring bands is kept, so that the
    layer may be overwritten from above.
    """

    def __init__(self, rows: RowFunction, height: int, reach: int, overlap: int, *, wraps: bool) -> None:
        self._rows, self._height, self._overlap = rows, height, overlap
        self._head = rows(0, reach).clone() if wraps else None
        self._kept = rows(height - reach, height).clone() if wraps else None
        self._read = 0

    def __call__(self, first: int, last: int) -> Tensor:
        """Rows from `first` up to `last`; each band begins `overlap` rows before the end of the one before it."""
        above = -first if self._kept is None and first < 0 else 0
        below = max(last - self._height, 0)
        end = min(last, self._height)
        parts = [] if self._kept is None else [self._kept]
        if self._read < end:
            parts.append(self._rows(self._read, end))
        if below and self._head is not None:
            parts.append(self._head[:, :, :below])
            below = 0
        band = torch.cat(parts, dim=2) if len(parts) > 1 else parts[0]
        band = functional.pad(band, (0, 0, above, below)) if above or below else band
        self._read = end
        self._kept = band[:, :, -self._overlap :].clone() if self._overlap else None
        return band


def _affine(layer: Tensor, norm: nn.GroupNorm, workshop: Workshop) -> tuple[Tensor, Tensor]:
    """Scale and shift [1, C, 1, 1] that normalise a layer: its moments are those of all bands together.

    Chan, Golub, LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances".
    """
    _, channels, height, width = layer.shape
    count = 0
    mean = torch.zeros(norm.num_groups, dtype=torch.float64)
    squares = torch.zeros(norm.num_groups, dtype=torch.float64)
    for top, bottom in workshop.bands(height, width, channels):
        band = layer[:, :, top:bottom].to(workshop.device).reshape(norm.num_groups, -1).float()
        variance, middle = (moment.double().cpu() for moment in torch.var_mean(band, dim=1, correction=0))
        new = band.shape[1]
        distance = middle - mean
        squares += variance * new + distance**2 * (count * new / (count + new))
        mean += distance * (new / (count + new))
        count += new
    inverse = (squares / count + norm.eps).rsqrt()
    per_group = channels // norm.num_groups
    mean, inverse = (each.repeat_interleave(per_group).float().to(workshop.device) for each in (mean, inverse))
    scale = inverse if norm.weight is None else inverse * norm.weight.float()  # pyright: ignore[reportUnnecessaryComparison]
    shift = -mean * scale if norm.bias is None else norm.bias.float() - mean * scale  # pyright: ignore[reportUnnecessaryComparison]
    return scale.reshape(1, channels, 1, 1), shift.reshape(1, channels, 1, 1)
