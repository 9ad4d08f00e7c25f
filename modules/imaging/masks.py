"""Masks for inpainting: read, softened, measured, and laid over a finished picture again.

A mask is a picture in mode L: 255 where the model paints, 0 where the source stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.imaging.depth import eight_bits
from modules.imaging.resize import ResizeMode, Upscale, resize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

Box = tuple[int, int, int, int]
"""left, top, right, bottom, in pixels; right and bottom lie outside."""

OPAQUE_ABOVE = 128
"""The alpha above which a rounded mask is white."""


def read_mask(image: Image.Image, *, rounded: bool = True) -> Image.Image:
    """The mask that a picture holds: in its alpha channel, if that says anything, else in its levels.

    Only masks from an alpha channel are `rounded` to black and white; grey levels are intended.
    """
    image = eight_bits(image)
    if "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "LA":
        image = image.convert("RGBA")
    if image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255):
        return image.convert("L")
    alpha = image.getchannel("A")
    return alpha.point([255 if level > OPAQUE_ABOVE else 0 for level in range(256)]) if rounded else alpha


def invert(mask: Image.Image) -> Image.Image:
    """The mask of everything else."""
    from PIL import ImageChops

    return ImageChops.invert(mask)


def blur(mask: Image.Image, sigma_x: float, sigma_y: float) -> Image.Image:
    """The mask with a Gaussian edge, sigmas in pixels; 0 leaves that direction sharp.

    The kernel reaches 2.5 sigma, and the picture is mirrored at its edges.
    """
    import numpy as np
    from PIL import Image
    from scipy.ndimage import correlate1d

    levels = np.asarray(mask, dtype=np.float64)
    for axis, sigma in ((1, sigma_x), (0, sigma_y)):
        if sigma > 0:
            levels = np.floor(correlate1d(levels, _gaussian(sigma), axis=axis, mode="mirror") + 0.5)
    return Image.fromarray(levels.astype(np.uint8))


def _gaussian(sigma: float) -> NDArray[np.float64]:
    """A Gaussian in 256ths, as image libraries blur 8-bit pictures; what rounding takes goes to the next place."""
    import numpy as np

    reach = int(2.5 * sigma + 0.5)
    exact = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    exact *= 256 / exact.sum()
    kernel = np.zeros_like(exact)
    carried = 0.0
    for place in range(reach):
        kernel[place] = kernel[-1 - place] = np.rint(exact[place] + carried)
        carried += exact[place] - kernel[place]
    kernel[reach] = 256 - kernel.sum()
    return kernel / 256


def doubled(mask: Image.Image) -> Image.Image:
    """The mask with its soft edge pulled outwards: what is at least half masked is masked altogether."""
    return mask.point([min(2 * level, 255) for level in range(256)])


def painted_region(mask: Image.Image, padding: int) -> Box | None:
    """The smallest box around all that is not black, `padding` pixels larger on each side; None for a black mask."""
    box = mask.getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    return (
        max(left - padding, 0),
        max(top - padding, 0),
        min(right + padding, mask.width),
        min(bottom + padding, mask.height),
    )


def expanded_region(region: Box, proportions: tuple[int, int], size: tuple[int, int]) -> Box:
    """`region` grown to the proportions of (width, height), as far as a picture of `size` has room.

    What the region lacks is added on both sides; at the picture's edge it moves inwards instead.
    """
    left, top, right, bottom = region
    wide = (right - left) / (bottom - top)
    wanted = proportions[0] / proportions[1]
    if wide > wanted:
        top, bottom = _grown(top, bottom, int((right - left) / wanted - (bottom - top)), size[1])
    else:
        left, right = _grown(left, right, int((bottom - top) * wanted - (right - left)), size[0])
    return left, top, right, bottom


def _grown(low: int, high: int, more: int, limit: int) -> tuple[int, int]:
    low, high = low - more // 2, high + more - more // 2
    if high >= limit:
        low, high = low - (high - limit), limit
    if low < 0:
        low, high = 0, high - low
    return low, min(high, limit)


def kept_parts(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """What is to be laid over the result: `picture` in RGBA, transparent by as much as the mask says."""
    from PIL import Image

    # Multiplied by its alpha and back, as people know the soft edge; where the mask is black every bit stays.
    kept = Image.new("RGBa", picture.size)
    kept.paste(picture.convert("RGBA").convert("RGBa"), mask=invert(mask))
    return kept.convert("RGBA")


def placed(picture: Image.Image, box: Box, size: tuple[int, int], upscale: Upscale | None = None) -> Image.Image:
    """`picture` brought into `box` of an otherwise transparent RGBA picture of `size`."""
    from PIL import Image

    left, top, right, bottom = box
    canvas = Image.new("RGBA", size)
    canvas.paste(resize(picture, right - left, bottom - top, ResizeMode.CROP, upscale), (left, top))
    return canvas


def overlaid(picture: Image.Image, kept: Image.Image) -> Image.Image:
    """`picture` with the kept parts over it, RGB, both at the upper left corner.

    Where the kept parts are opaque the result is they, bit for bit.
    """
    result = picture.convert("RGBA")
    result.alpha_composite(kept)
    return result.convert("RGB")


def composite(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """`picture` in RGBA with the mask as its alpha: the new parts alone, and black where nothing of them is seen."""
    from PIL import Image

    if mask.size != picture.size:
        mask = resize(mask, picture.width, picture.height, ResizeMode.FILL)
    # Multiplied by its alpha and back, as `kept_parts`.
    nothing = Image.new("RGBa", picture.size)
    return Image.composite(picture.convert("RGBA").convert("RGBa"), nothing, mask).convert("RGBA")
