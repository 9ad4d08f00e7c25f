"""Several pictures as one: the grid at the end of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


def grid_shape(
    count: int, *, rows: int = -1, batch_size: int = 1, prevent_empty_spots: bool = False
) -> tuple[int, int]:
    """Columns and rows of a grid of `count` pictures.

    `rows` above 0 is taken as it is, 0 means `batch_size`, -1 a shape near a square: one that leaves no place empty
    if `prevent_empty_spots`, else the rounded square root. Never more rows than pictures.
    """
    if rows == 0:
        rows = batch_size
    elif rows < 0 and prevent_empty_spots:
        rows = max(divisor for divisor in range(1, math.isqrt(count) + 1) if count % divisor == 0)
    elif rows < 0:
        rows = round(math.sqrt(count))
    rows = min(max(rows, 1), count)
    return math.ceil(count / rows), rows


def image_grid(
    images: Sequence[Image.Image], *, columns: int, rows: int, background: str = "#ffffff", margin: int = 0
) -> Image.Image:
    """The pictures row by row, each in the middle of a cell as large as the largest of them, on `background`.

    `margin` is the pixels between two cells. The result is RGB. At least one picture is needed; what does not fit into
    columns x rows is left out.
    """
    from PIL import Image

    width, height = _cell(images)
    grid = Image.new("RGB", _size(images, columns, rows, margin), background)
    for index, image in enumerate(images[: columns * rows]):
        left, top = index % columns * (width + margin), index // columns * (height + margin)
        grid.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
    return grid


def grid_pixels(images: Sequence[Image.Image], *, columns: int, rows: int, margin: int = 0) -> int:
    """How many pixels the grid of these pictures has."""
    width, height = _size(images, columns, rows, margin)
    return width * height


def _cell(images: Sequence[Image.Image]) -> tuple[int, int]:
    return max(image.width for image in images), max(image.height for image in images)


def _size(images: Sequence[Image.Image], columns: int, rows: int, margin: int) -> tuple[int, int]:
    width, height = _cell(images)
    return columns * (width + margin) - margin, rows * (height + margin) - margin
