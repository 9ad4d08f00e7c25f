"""Pillow's resizing of a large picture, which can be left on the way and gives the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

BAND = 4 * 1024 * 1024
"""Pixels that are made between two checks; a fraction of a second."""

_PREMULTIPLIED = {"RGBA": "RGBa", "LA": "La"}
_AT_ONCE = frozenset({"1", "P"})
"""Modes that Pillow resizes by nearest neighbour, whatever is asked."""


def resize_in_bands(
    image: Image.Image, size: tuple[int, int], method: Image.Resampling, check: Callable[[], None] | None
) -> Image.Image:
    """`image.resize(size, method)`, with `check` called before each band of it; what that raises ends the work.

    Pillow resizes rows first and columns then, each of them for itself, and rounds between the two: done in bands of
    rows and then of columns it is the same.
    """
    from PIL import Image

    width, height = size
    small = size == image.size or max(width * image.height, width * height) <= BAND
    if check is None or small or method == Image.Resampling.NEAREST or image.mode in _AT_ONCE:
        return image.resize(size, method)
    if image.mode in _PREMULTIPLIED:
        plain = image.convert(_PREMULTIPLIED[image.mode])
        return resize_in_bands(plain, size, method, check).convert(image.mode)
    wide = Image.new(image.mode, (width, image.height))
    step = max(BAND // width, 1)
    for top in range(0, image.height, step):
        check()
        bottom = min(top + step, image.height)
        wide.paste(image.crop((0, top, image.width, bottom)).resize((width, bottom - top), method), (0, top))
    result = Image.new(image.mode, size)
    step = max(BAND // max(height, image.height), 1)
    for left in range(0, width, step):
        check()
        right = min(left + step, width)
        result.paste(wide.crop((left, 0, right, image.height)).resize((right - left, height), method), (left, 0))
    return result
