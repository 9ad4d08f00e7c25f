"""Masked parts of a picture filled with the colours around them, before the model paints there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.imaging.pixelwise import inverted, laid_over

if TYPE_CHECKING:
    from PIL import Image

LAYERS = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""Blur radius in pixels and how often the layer is laid on: the coarse ones reach far, the fine ones are true."""


def fill_masked(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """`picture` (RGB) with what `mask` (L) covers replaced by colours from around it.

    The visible part is blurred at growing detail and laid over itself, so that each place gets the finest layer that
    reaches it; what is visible stays as it is. Without anything visible the result is black.
    """
    from PIL import Image, ImageFilter

    # Colours have to be multiplied by their alpha while they are blurred, or hidden ones would bleed in.
    visible = Image.new("RGBa", picture.size)
    visible.paste(picture.convert("RGBA").convert("RGBa"), mask=inverted(mask))
    filled = Image.new("RGBA", picture.size)
    for radius, times in LAYERS:
        layer = visible.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            filled = laid_over(layer, filled)
    return filled.convert("RGB")
