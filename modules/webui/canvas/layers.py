"""From what is on a canvas to the pictures and masks that a run begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.foundation.errors import RequestError
from modules.imaging.depth import eight_bits
from modules.imaging.masks import OPAQUE_ABOVE, blur
from modules.imaging.pixelwise import alpha_of, laid_over
from modules.imaging.resize import MOST_PIXELS

if TYPE_CHECKING:
    from PIL import Image

    from modules.webui.canvas.value import Frame


def has_transparency(picture: Image.Image) -> bool:
    """Whether parts of a picture may be transparent."""
    return "A" in picture.getbands() or "transparency" in picture.info


def grown(picture: Image.Image, frame: Frame) -> Image.Image:
    """`picture` with `frame` around it, whose pixels are those of the picture's edge. Itself without a frame.

    Raises RequestError where both together have too many pixels.
    """
    if not any(frame):
        return picture
    width, height = picture.width + frame[0] + frame[2], picture.height + frame[1] + frame[3]
    if width * height > MOST_PIXELS:
        raise RequestError(
            f"With its frame the picture would be {width}x{height}, more than {MOST_PIXELS:,} pixels. Make it smaller.",
            "canvas",
        )
    import numpy as np
    from PIL import Image

    left, top, right, bottom = frame
    picture = eight_bits(picture)
    levels = np.asarray(picture.convert("RGBA" if has_transparency(picture) else "RGB"))
    return Image.fromarray(np.pad(levels, ((top, bottom), (left, right), (0, 0)), mode="edge"))


def painted_over(picture: Image.Image, paint: Image.Image) -> Image.Image:
    """`picture` with the colours of `paint` (RGBA, of its size) over it. Where nothing is painted every bit stays."""
    picture = eight_bits(picture)
    result = laid_over(paint.convert("RGBA"), picture.convert("RGBA"))
    return result if has_transparency(picture) else result.convert("RGB")


def mask_of(paint: Image.Image | None, size: tuple[int, int], frame: Frame, *, soft: bool) -> Image.Image:
    """The mask (L) of a picture whose size with its frame is `size`: white where painted, and all over the frame.

    Without `soft` it is black and white, as A1111 reads the mask of its canvas.
    """
    from PIL import Image

    if paint is None:
        mask = Image.new("L", size)
    else:
        mask = alpha_of(paint)
        if not soft:
            mask = mask.point([255 if level > OPAQUE_ABOVE else 0 for level in range(256)])
    if any(frame):
        left, top, right, bottom = frame
        inner = mask.crop((left, top, size[0] - right, size[1] - bottom))
        mask = Image.new("L", size, 255)
        mask.paste(inner, (left, top))
    return mask


def colours_and_mask(
    picture: Image.Image, paint: Image.Image, *, transparency: float, blurred: float
) -> tuple[Image.Image, Image.Image]:
    """The picture with the painted colours, and the mask (L) of where they are, for painting on over them.

    `transparency` (0..100) takes as much from the mask, and so from the colours, which are seen through the mask
    blurred by `blurred` (sigma in pixels).
    """
    from PIL import Image

    alpha = alpha_of(paint)
    level = round(255 * (1 - transparency / 100))
    mask = alpha.point([0, *([level] * 255)])
    coloured = painted_over(picture, paint)
    plain = eight_bits(picture).convert(coloured.mode)
    return Image.composite(coloured, plain, blur(mask, blurred, blurred)), mask
