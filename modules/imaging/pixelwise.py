"""Work on pixels one by one, in bands of rows.

Some of Pillow's calls (alpha_composite, getchannel, getextrema, getbbox, those of ImageChops) hold the interpreter
until they are done, for a second or more on the largest pictures, and no other client is answered meanwhile. Done band
by band they give the same bits, and others come in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

BAND = 2 * 1024 * 1024
"""Pixels of a band: some milliseconds."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom, in pixels; right and bottom lie outside."""


def bands(picture: Image.Image, pixels: int = BAND) -> Iterator[Image.Image]:
    """`picture` from top to bottom, in copies of so many rows that each has about `pixels`; a small one as it is."""
    width, height = picture.size
    if width * height <= pixels:
        yield picture
        return
    step = max(pixels // width, 1)
    for top in range(0, height, step):
        yield picture.crop((0, top, width, min(top + step, height)))


def pixelwise(operation: Callable[..., Image.Image], *pictures: Image.Image) -> Image.Image:
    """`operation(*pictures)`, for pictures of one size and an operation that looks at each pixel by itself."""
    from PIL import Image

    first, result, top = pictures[0], None, 0
    for parts in zip(*map(bands, pictures), strict=True):
        made = operation(*parts)
        if made.height == first.height:
            return made
        if result is None:
            result = Image.new(made.mode, first.size)
            result.info = dict(made.info)
        result.paste(made, (0, top))
        top += made.height
    assert result is not None
    return result


def alpha_of(picture: Image.Image) -> Image.Image:
    """How opaque each pixel is, in mode L: 255 everywhere for a picture without transparency."""
    return pixelwise(lambda band: band.convert("RGBA").getchannel("A"), picture)


def is_opaque(picture: Image.Image) -> bool:
    """Whether no pixel of a picture lets through what lies below, whatever its mode."""
    return all(band.convert("RGBA").getchannel("A").getextrema() == (255, 255) for band in bands(picture))


def inverted(mask: Image.Image) -> Image.Image:
    """255 minus each level of a mask (L)."""
    from PIL import ImageChops

    return pixelwise(ImageChops.invert, mask)


def lighter(mask: Image.Image, other: Image.Image) -> Image.Image:
    """The higher of two levels at each place of masks (L) of one size."""
    from PIL import ImageChops

    return pixelwise(ImageChops.lighter, mask, other)


def laid_over(above: Image.Image, below: Image.Image) -> Image.Image:
    """`above` over `below`, both RGBA and of one size."""
    from PIL import Image

    return pixelwise(Image.alpha_composite, below, above)


def extent(mask: Image.Image) -> Box | None:
    """The smallest box around all that is not black in a mask (L); None for a black one."""
    found: Box | None = None
    top = 0
    for band in bands(mask):
        if (box := band.getbbox()) is not None:
            left, first, right, last = box
            if found is None:
                found = left, top + first, right, top + last
            else:
                found = min(found[0], left), found[1], max(found[2], right), top + last
        top += band.height
    return found
