"""Pictures cut for training: split, cut around what matters, cut to the size that loses least. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Objective = Literal["Maximize area", "Minimize error"]


def split_oversized(
    picture: Image.Image, size: tuple[int, int], *, threshold: float, overlap: float
) -> list[Image.Image]:
    """A long picture as several of `size` (w, h), which overlap by at least the share `overlap` of their length.

    A picture whose proportions are near enough (their ratio to those of `size` at least `threshold`) stays whole.
    """
    width, height = size
    ratio = (picture.width * height) / (picture.height * width)
    lies = ratio > 1
    if min(ratio, 1 / ratio) >= threshold or ratio == 1:
        return [picture]
    factor = height / picture.height if lies else width / picture.width
    length = max(round((picture.width if lies else picture.height) * factor), width if lies else height)
    scaled = picture.resize((length, height) if lies else (width, length), Image.Resampling.LANCZOS)
    part = width if lies else height
    count = max(math.ceil((length - part) / (part * (1 - overlap))) + 1, 1)
    starts = [round(number * (length - part) / max(count - 1, 1)) for number in range(count)]
    boxes = [(start, 0, start + part, height) if lies else (0, start, width, start + part) for start in starts]
    return [scaled.crop(box) for box in boxes]


def best_size(
    picture: tuple[int, int],
    *,
    sides: tuple[int, int],
    areas: tuple[int, int],
    threshold: float,
    objective: Objective,
    step: int = 64,
) -> tuple[int, int] | None:
    """The size in multiples of `step` whose proportions differ by at most `threshold` from those of the picture.

    Sides and area lie between their bounds. The largest of them, or the one that differs least; None where none fits.
    """
    proportion = picture[0] / picture[1]
    found: list[tuple[int, float, tuple[int, int]]] = []
    first = -(-sides[0] // step) * step
    for width in range(first, sides[1] + 1, step):
        for height in range(first, sides[1] + 1, step):
            ratio = width / height / proportion
            error = 1 - min(ratio, 1 / ratio)
            if areas[0] <= width * height <= areas[1] and error <= threshold:
                found.append((width * height, error, (width, height)))
    if not found:
        return None
    if objective == "Maximize area":
        return max(found, key=lambda each: (each[0], -each[1]))[2]
    return min(found, key=lambda each: (each[1], -each[0]))[2]


def centred_crop(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of the picture, scaled to cover `size`."""
    return focal_crop(picture, size, (picture.width / 2, picture.height / 2))


class Interest(NamedTuple):
    """A point that matters (x, y), in pixels, and how much."""

    x: float
    y: float
    weight: float


def covering(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture scaled so that it just covers `size`."""
    factor = max(size[0] / picture.width, size[1] / picture.height)
    scaled = max(round(picture.width * factor), size[0]), max(round(picture.height * factor), size[1])
    return picture if scaled == picture.size else picture.resize(scaled, Image.Resampling.LANCZOS)


def focal_crop(picture: Image.Image, size: tuple[int, int], focus: tuple[float, float]) -> Image.Image:
    """A part of `size` of the picture scaled to cover it, with `focus` (x, y in pixels of `picture`) in its middle.

    Where the picture ends before that, as near to it as there is picture.
    """
    scaled = covering(picture, size)
    corner: list[int] = []
    for axis in (0, 1):
        middle = focus[axis] * scaled.size[axis] / picture.size[axis]
        corner.append(min(max(round(middle - size[axis] / 2), 0), scaled.size[axis] - size[axis]))
    return scaled.crop((corner[0], corner[1], corner[0] + size[0], corner[1] + size[1]))


def focus_of(interests: Sequence[Interest], size: tuple[int, int]) -> tuple[float, float]:
    """The weighted mean of points that matter; the middle of a picture of `size` without any."""
    total = sum(each.weight for each in interests)
    if total <= 0:
        return size[0] / 2, size[1] / 2
    return sum(e.x * e.weight for e in interests) / total, sum(e.y * e.weight for e in interests) / total


CORNERS = 100
"""How many of the strongest corners count."""


def edge_interest(picture: Image.Image, weight: float) -> list[Interest]:
    """The middle of the strongest corners (Harris, Stephens 1988); nothing for a picture of one colour."""
    from scipy import ndimage

    grey = np.asarray(picture.convert("L"), np.float64)
    dx, dy = ndimage.sobel(grey, axis=1), ndimage.sobel(grey, axis=0)
    xx, yy, xy = (ndimage.gaussian_filter(each, 2.0) for each in (dx * dx, dy * dy, dx * dy))
    response = xx * yy - xy * xy - 0.04 * (xx + yy) ** 2
    if not weight or response.max() <= 0:
        return []
    strongest = np.argsort(response, axis=None)[::-1][:CORNERS]
    rows, columns = np.unravel_index(strongest, response.shape)
    strength = np.clip(response[rows, columns], 0, None)
    x, y = float(np.average(columns, weights=strength)), float(np.average(rows, weights=strength))
    return [Interest(x, y, weight)]


def entropy_interest(picture: Image.Image, size: tuple[int, int], weight: float) -> list[Interest]:
    """The middle of the part of the proportions of `size` whose colours tell most (Shannon 1948, entropy)."""
    if not weight:
        return []
    grey = np.asarray(picture.convert("L"))
    factor = min(picture.width / size[0], picture.height / size[1])
    width, height = max(int(size[0] * factor), 1), max(int(size[1] * factor), 1)
    lies = picture.width - width > picture.height - height
    room = picture.width - width if lies else picture.height - height
    best, at = -1.0, 0
    for start in range(0, room + 1, max(room // 16, 1)):
        part = grey[:, start : start + width] if lies else grey[start : start + height]
        if (bits := entropy(part)) > best:
            best, at = bits, start
    x = at + width / 2 if lies else picture.width / 2
    y = picture.height / 2 if lies else at + height / 2
    return [Interest(x, y, weight)]


def entropy(grey: NDArray[np.uint8]) -> float:
    """Bits of a pixel, by how often each of the 256 values is there."""
    counts = np.bincount(grey.reshape(-1), minlength=256).astype(np.float64)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def face_interest(boxes: Sequence[Sequence[float]], weight: float) -> list[Interest]:
    """The middle of each face (left, top, right, bottom); together they weigh `weight`."""
    return [Interest((b[0] + b[2]) / 2, (b[1] + b[3]) / 2, weight / len(boxes)) for b in boxes] if weight else []


def marked(picture: Image.Image, interests: Sequence[Interest], focus: tuple[float, float]) -> Image.Image:
    """The picture with a ring around each point that matters and a cross at the focus."""
    shown = picture.convert("RGB").copy()
    pen = ImageDraw.Draw(shown)
    radius = max(min(shown.size) * 0.05, 4)
    for each in interests:
        pen.ellipse([each.x - radius, each.y - radius, each.x + radius, each.y + radius], outline="yellow", width=3)
    x, y = focus
    pen.line([x - radius, y, x + radius, y], fill="red", width=3)
    pen.line([x, y - radius, x, y + radius], fill="red", width=3)
    return shown
