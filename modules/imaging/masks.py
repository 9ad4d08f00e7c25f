"""Masks for inpainting: read, softened, measured, and laid over a finished picture again.

A mask is a picture in mode L: 255 where the model paints, 0 where the source stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.imaging.depth import eight_bits
from modules.imaging.pixelwise import Box, alpha_of, extent, inverted, is_opaque, laid_over
from modules.imaging.resize import ResizeMode, Upscale, resize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

BLUR_BLOCK = 1024 * 1024
"""Pixels that are blurred at a time."""

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
    if image.mode != "RGBA" or is_opaque(image):
        return image.convert("L")
    alpha = alpha_of(image)
    return alpha.point([255 if level > OPAQUE_ABOVE else 0 for level in range(256)]) if rounded else alpha


def blur(mask: Image.Image, sigma_x: float, sigma_y: float) -> Image.Image:
    """The mask with a Gaussian edge, sigmas in pixels; 0 leaves that direction sharp.

    The kernel reaches 2.5 sigma, and the picture is mirrored at its edges.
    """
    import numpy as np
    from PIL import Image

    levels = np.asarray(mask)
    if sigma_x > 0:
        levels = _blurred_rows(levels, _gaussian(sigma_x))
    if sigma_y > 0:
        levels = _blurred_rows(levels.T, _gaussian(sigma_y)).T
    return Image.fromarray(np.ascontiguousarray(levels))


def _blurred_rows(levels: NDArray[np.uint8], kernel: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each row weighted by a kernel in 256ths, mirrored at its ends, halves rounded up.

    As products of matrices, block by block, which others come in between. All sums are whole numbers below 2**24, so
    single precision holds them exactly, in whatever order they are made.
    """
    import numpy as np

    length, reach = levels.shape[1], len(kernel) // 2
    wide = min(length, max(256, min(len(kernel), 1024)))
    weights = np.zeros((wide + 2 * reach, wide), dtype=np.float32)
    for column in range(wide):
        weights[column : column + len(kernel), column] = kernel
    result = np.empty(levels.shape, dtype=np.uint8)
    step = max(BLUR_BLOCK // (length + 2 * reach), 1)
    for top in range(0, len(levels), step):
        rows = np.pad(levels[top : top + step], ((0, 0), (reach, reach)), mode="reflect").astype(np.float32)
        for left in range(0, length, wide):
            right = min(left + wide, length)
            sums = rows[:, left : right + 2 * reach] @ weights[: right - left + 2 * reach, : right - left]
            result[top : top + step, left:right] = (sums.astype(np.int32) + 128) >> 8
    return result


def _gaussian(sigma: float) -> NDArray[np.float32]:
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
    return kernel.astype(np.float32)


def doubled(mask: Image.Image) -> Image.Image:
    """The mask with its soft edge pulled outwards: what is at least half masked is masked altogether."""
    return mask.point([min(2 * level, 255) for level in range(256)])


def painted_region(mask: Image.Image, padding: int) -> Box | None:
    """The smallest box around all that is not black, `padding` pixels larger on each side; None for a black mask."""
    box = extent(mask)
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
    kept.paste(picture.convert("RGBA").convert("RGBa"), mask=inverted(mask))
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
    if kept.size != result.size:
        part = (0, 0, min(kept.width, result.width), min(kept.height, result.height))
        result.paste(laid_over(kept.crop(part), result.crop(part)))
    else:
        result = laid_over(kept, result)
    return result.convert("RGB")


def composite(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """`picture` in RGBA with the mask as its alpha: the new parts alone, and black where nothing of them is seen."""
    from PIL import Image

    if mask.size != picture.size:
        mask = resize(mask, picture.width, picture.height, ResizeMode.FILL)
    # Multiplied by its alpha and back, as `kept_parts`.
    nothing = Image.new("RGBa", picture.size)
    return Image.composite(picture.convert("RGBA").convert("RGBa"), nothing, mask).convert("RGBA")
