"""Pictures brought to a wanted size: stretched, cropped or filled up, and laid on a background."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from modules.foundation.errors import RequestError
from modules.imaging.depth import eight_bits
from modules.imaging.resize_in_bands import resize_in_bands

if TYPE_CHECKING:
    from PIL import Image


MOST_PIXELS = 16384 * 16384
"""Of a picture that is made on the way to the wanted size: one that is a pixel wide and very long becomes huge."""

Upscale = Callable[["Image.Image", float], "Image.Image"]
"""Enlarges a picture by a factor; the result may have another size, which is then put right."""


class ResizeMode(enum.IntEnum):
    """What happens when the picture and the wanted size have different proportions. The numbers are A1111's.

    LATENT stretches like STRETCH, but not before the picture is encoded: its latents are what is resized.
    """

    STRETCH = 0
    CROP = 1
    FILL = 2
    LATENT = 3


def resize(
    image: Image.Image,
    width: int,
    height: int,
    mode: ResizeMode = ResizeMode.STRETCH,
    upscale: Upscale | None = None,
) -> Image.Image:
    """`image` at `width` x `height`.

    STRETCH (and LATENT) ignores the proportions; CROP covers the size and cuts off what hangs over; FILL fits inside it
    and repeats the outermost row or column outwards. `upscale(image, factor)` enlarges where enlarging is due (its
    result is then brought to the exact size); without it, and for grey pictures, Lanczos does.

    Raises RequestError for proportions so different that more than `MOST_PIXELS` would be made on the way.
    """
    if mode in (ResizeMode.STRETCH, ResizeMode.LATENT):
        return _to_size(image, width, height, upscale)
    wide = width / height > image.width / image.height
    if mode == ResizeMode.CROP:
        inner = (width, image.height * width // image.width) if wide else (image.width * height // image.height, height)
    else:
        inner = (image.width * height // image.height, height) if wide else (width, image.height * width // image.width)
    inner = (max(inner[0], 1), max(inner[1], 1))
    return _on_canvas(_to_size(image, *inner, upscale), width, height, fill=mode == ResizeMode.FILL)


def flatten(image: Image.Image, background: str = "#ffffff") -> Image.Image:
    """`image` without transparency: laid on `background` where it has an alpha channel. The result is RGB."""
    from PIL import Image

    image = eight_bits(image)
    if image.has_transparency_data:
        canvas = Image.new("RGB", image.size, background)
        layer = image.convert("RGBA")
        canvas.paste(layer, mask=layer)
        return canvas
    return image.convert("RGB")


def with_colours(image: Image.Image) -> Image.Image:
    """`image` as RGB, or RGBA where something of it may be transparent; more than 8 bits a channel are rounded off."""
    image = eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


UPSCALED_MULTIPLE = 8
"""Pixels: A1111's upscalers make sides that are multiples of it, whatever model the picture is for."""


def upscaled_size(width: int, height: int, factor: float) -> tuple[int, int]:
    """The size of a picture of `width` x `height` after upscaling."""
    wide, high = (
        max(int(side * factor // UPSCALED_MULTIPLE * UPSCALED_MULTIPLE), UPSCALED_MULTIPLE) for side in (width, height)
    )
    return wide, high


def enlarged_size(width: int, height: int, factor: float) -> tuple[int, int]:
    """The size that "Lanczos" and "Nearest" bring a picture to first; from there it goes to `upscaled_size`."""
    return max(int(width * factor), 1), max(int(height * factor), 1)


def enlarge(
    image: Image.Image, factor: float, *, nearest: bool = False, check: Callable[[], None] | None = None
) -> Image.Image:
    """`image` larger by `factor`, by Lanczos or by nearest neighbour; its sides are rounded down to multiples of 8.

    They are at least 8. What A1111's built-in upscalers "Lanczos" and "Nearest" do; fits `resize` as its `upscale`.
    What `check` raises ends the work.
    """
    from PIL import Image

    method = Image.Resampling.NEAREST if nearest else Image.Resampling.LANCZOS
    larger = resize_in_bands(image, enlarged_size(image.width, image.height, factor), method, check)
    target = upscaled_size(image.width, image.height, factor)
    if larger.size == target:
        return larger
    return resize_in_bands(larger, target, Image.Resampling.LANCZOS, check)


def _to_size(
    image: Image.Image, width: int, height: int, upscale: Callable[[Image.Image, float], Image.Image] | None
) -> Image.Image:
    from PIL import Image

    _check_size(image, width, height)
    if upscale is not None and image.mode != "L":
        factor = max(width / image.width, height / image.height)
        if factor > 1:
            _check_size(image, math.ceil(image.width * factor), math.ceil(image.height * factor))
            image = upscale(image, factor)
        if image.size == (width, height):
            return image
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _check_size(image: Image.Image, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise RequestError(
            f"A picture of {image.width}x{image.height} would have to be made {width}x{height} on the way to the "
            "wanted size, which is too large. Choose a size with its proportions, or another resize mode.",
            "init_images",
        )


def _on_canvas(inner: Image.Image, width: int, height: int, *, fill: bool) -> Image.Image:
    from PIL import Image

    # Halves are rounded one by one, as A1111 does: an odd overhang goes to the right and to the bottom.
    left, top = width // 2 - inner.width // 2, height // 2 - inner.height // 2
    canvas = Image.new("L" if inner.mode == "L" else "RGB", (width, height))
    canvas.paste(inner, (left, top))
    if fill:
        _repeat_outwards(canvas, inner, left, top)
    return canvas


def _repeat_outwards(canvas: Image.Image, inner: Image.Image, left: int, top: int) -> None:
    """Fill what `inner`, at (left, top), leaves free of `canvas`, whose width or height it has."""
    width, height = inner.size
    right, bottom = left + width, top + height
    gaps = (
        ((0, 0, canvas.width, top), (0, 0, width, 0)),
        ((0, bottom, canvas.width, canvas.height), (0, height, width, height)),
        ((0, 0, left, canvas.height), (0, 0, 0, height)),
        ((right, 0, canvas.width, canvas.height), (width, 0, width, height)),
    )
    for gap, edge in gaps:
        size = gap[2] - gap[0], gap[3] - gap[1]
        if min(size) > 0:
            canvas.paste(inner.resize(size, box=edge), gap[:2])
