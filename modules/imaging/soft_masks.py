"""Soft inpainting's second mask: the source is laid over a result where the two hardly differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modules.imaging.resize import ResizeMode, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    Floats = NDArray[np.floating]

RADIUS = 2
SPREAD = 1.5
EDGE_BLUR = 4


def changed_mask(
    distance: Floats,
    mask: Floats,
    size: tuple[int, int],
    *,
    strength: float,
    influence: float,
    threshold: float,
    contrast: float,
) -> Image.Image:
    """A mask (L, of `size`) that is white where a picture has changed.

    `distance` [h, w] is how far the finished latents lie from those of the source, `mask` [h, w] (0..1) where painting
    was allowed. At a distance of `threshold` the result is half white; `contrast` is how steeply it goes there, and
    `influence` (0..1) how much the mask, of preservation `strength`, moves that distance.
    """
    from PIL import Image, ImageFilter

    protection = (1 - influence) / 2 + influence * (1 - mask.clip(0, 1) ** (strength / 2))
    half_way = threshold * protection / (1.00001 - protection)
    distance = weighted_mean_of_ranks(distance, low=0.9, high=1.0)
    distance = weighted_mean_of_ranks(distance, low=0.25, high=0.75)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = 1 / (1 + np.nan_to_num(distance / half_way, posinf=np.inf) ** contrast)
    kept = kept**3 * (kept * (6 * kept - 15) + 10)
    levels = Image.fromarray((255 * (1 - kept)).astype(np.uint8))
    # One latent is a square of pixels; without the blur their edges would be seen.
    return resize(levels, *size, ResizeMode.FILL).filter(ImageFilter.GaussianBlur(EDGE_BLUR))


def weighted_mean_of_ranks(values: Floats, *, low: float, high: float, least: float = 1.0) -> Floats:
    """At each place of `values` [h, w], the mean of those around it whose rank lies between `low` and `high` (0..1).

    Neighbours weigh less with their distance, by a bell that ends at 3 pixels. The range of ranks is widened to the
    weight `least`. Low and high at 1 would be a soft maximum, at 0.5 a soft median.
    """
    kernel = _bell()
    padded = np.pad(values.astype(np.float64), RADIUS)
    inside = np.pad(np.ones_like(values, dtype=np.float64), RADIUS)
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    around = np.lib.stride_tricks.sliding_window_view(padded, window).reshape(*values.shape, -1)
    weights = np.lib.stride_tricks.sliding_window_view(inside, window).reshape(*values.shape, -1) * kernel.reshape(-1)
    order = np.argsort(around, axis=-1, kind="stable")
    around, weights = np.take_along_axis(around, order, -1), np.take_along_axis(weights, order, -1)
    upper = np.cumsum(weights, axis=-1)
    total = upper[..., -1:]
    start, end = _at_least_as_wide(total * low, total * high, total, least)
    share = (np.minimum(end, upper) - np.maximum(start, upper - weights)).clip(min=0)
    return (around * share).sum(-1) / share.sum(-1)


def _at_least_as_wide(start: Floats, end: Floats, total: Floats, least: float) -> tuple[Floats, Floats]:
    middle, narrow = (start + end) / 2, end - start < least
    first = np.where(narrow, np.minimum(middle - least / 2, total - least).clip(min=0), start)
    return first, np.where(narrow, first + least, end)


def _bell() -> Floats:
    """A Gaussian brought down to 0 one pixel outside its radius, and 1 in its middle."""
    place = np.arange(-RADIUS, RADIUS + 1)
    end = np.exp(-((RADIUS + 1) ** 2) / SPREAD**2)
    bell = np.exp(-(place[:, None] ** 2 + place[None, :] ** 2) / SPREAD**2)
    return ((bell - end) / (1 - end)).clip(min=0)
