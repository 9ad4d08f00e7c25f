"""Sizes for training: pictures of any shape are brought to one of a few sizes of about the same area."""

from __future__ import annotations

import functools
import math
from typing import Literal, NamedTuple

from PIL import Image

Fit = Literal["crop", "buckets", "own"]
"""One size for all; the nearest of the buckets; or each picture's own size, cut to what the model takes."""


class Cut(NamedTuple):
    """How a picture becomes one of the training: scaled to `scaled`, then cut at (left, top) to `size`; (w, h) all."""

    size: tuple[int, int]
    scaled: tuple[int, int]
    left: int
    top: int


@functools.cache
def bucket_sizes(width: int, height: int, step: int = 64) -> tuple[tuple[int, int], ...]:
    """Every (width, height) in multiples of `step` whose area comes nearest to width x height from below.

    Sides go from half to twice the side of the square of that area, as trainers of LoRAs have them.
    """
    area = width * height
    side = math.isqrt(area)
    least, most = max(side // 2 // step * step, step), 2 * side // step * step
    sizes: set[tuple[int, int]] = set()
    for long in range(least, most + 1, step):
        other = min(area // long // step * step, most)
        if other >= least:
            sizes |= {(long, other), (other, long)}
    return tuple(sorted(sizes)) or ((width, height),)


def nearest_bucket(size: tuple[int, int], sizes: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """The bucket whose proportions are nearest; of equal ones the largest."""
    proportion = math.log(size[0] / size[1])
    return min(sizes, key=lambda each: (abs(math.log(each[0] / each[1]) - proportion), -each[0] * each[1]))


def cut_for(size: tuple[int, int], fit: Fit, width: int, height: int, step: int) -> Cut:
    """How a picture of `size` (w, h) becomes one for training. `step` are the pixels that sides are multiples of."""
    match fit:
        case "own":
            target = max(size[0] // step * step, step), max(size[1] // step * step, step)
            scaled = max(size[0], target[0]), max(size[1], target[1])
            return _centred(scaled, target)
        case "buckets":
            target = nearest_bucket(size, bucket_sizes(width, height, max(step, 64)))
        case "crop":
            target = max(width // step * step, step), max(height // step * step, step)
    factor = max(target[0] / size[0], target[1] / size[1])
    return _centred((max(round(size[0] * factor), target[0]), max(round(size[1] * factor), target[1])), target)


def _centred(scaled: tuple[int, int], target: tuple[int, int]) -> Cut:
    return Cut(target, scaled, (scaled[0] - target[0]) // 2, (scaled[1] - target[1]) // 2)


def cut_picture(picture: Image.Image, cut: Cut) -> Image.Image:
    """The picture as `cut` says."""
    if picture.size != cut.scaled:
        picture = picture.resize(cut.scaled, Image.Resampling.LANCZOS)
    return picture.crop((cut.left, cut.top, cut.left + cut.size[0], cut.top + cut.size[1]))
