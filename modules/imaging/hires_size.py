"""How large the second pass of hires fix is, and what is cut off to get there."""

from __future__ import annotations

from dataclasses import dataclass

PIXELS_PER_CELL = 8


@dataclass(frozen=True, kw_only=True)
class HiresSize:
    """`target`: (width, height) in pixels to which the first picture is enlarged, its proportions kept up to a pixel.

    `crop`: (columns, rows) of latent cells to cut off afterwards.
    """

    target: tuple[int, int]
    crop: tuple[int, int] = (0, 0)

    @property
    def final(self) -> tuple[int, int]:
        """(width, height) in pixels of the finished picture, multiples of 8."""
        width, height = (
            (side // PIXELS_PER_CELL - cut) * PIXELS_PER_CELL for side, cut in zip(self.target, self.crop, strict=True)
        )
        return width, height


def hires_size(
    width: int, height: int, *, scale: float = 2.0, resize_width: int = 0, resize_height: int = 0
) -> HiresSize:
    """The second pass after a first one of `width` x `height` pixels.

    With one side wished for, the other follows; with both, the picture covers the wished size and what hangs over is
    cut off; without any, both sides grow by `scale`.
    """
    if not resize_width and not resize_height:
        return HiresSize(target=(int(width * scale), int(height * scale)))
    if not resize_height:
        return HiresSize(target=(resize_width, resize_width * height // width))
    if not resize_width:
        return HiresSize(target=(resize_height * width // height, resize_height))
    if width / height < resize_width / resize_height:
        target = resize_width, resize_width * height // width
    else:
        target = resize_height * width // height, resize_height
    crop = (target[0] - resize_width) // PIXELS_PER_CELL, (target[1] - resize_height) // PIXELS_PER_CELL
    return HiresSize(target=target, crop=crop)
