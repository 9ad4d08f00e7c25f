"""How large the second pass of hires fix is, and what is cut off to get there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class HiresSize:
    """`target`: (width, height) in pixels to which the first picture is enlarged, its proportions kept up to a pixel.

    `crop`: how many whole steps of `step` pixels to cut off afterwards, in (width, height).
    """

    target: tuple[int, int]
    step: int
    crop: tuple[int, int] = (0, 0)

    @property
    def final(self) -> tuple[int, int]:
        """(width, height) in pixels of the finished picture, multiples of `step`."""
        width, height = (
            (side // self.step - cut) * self.step for side, cut in zip(self.target, self.crop, strict=True)
        )
        return width, height


def hires_size(
    width: int, height: int, *, scale: float = 2.0, resize_width: int = 0, resize_height: int = 0, step: int = 1
) -> HiresSize:
    """The second pass after a first one of `width` x `height` pixels.

    With one side wished for, the other follows; with both, the picture covers the wished size and what hangs over is
    cut off; without any, both sides grow by `scale`. `step` is what a model's sizes are multiples of, in pixels.
    """
    if not resize_width and not resize_height:
        return HiresSize(target=(int(width * scale), int(height * scale)), step=step)
    if not resize_height:
        return HiresSize(target=(resize_width, resize_width * height // width), step=step)
    if not resize_width:
        return HiresSize(target=(resize_height * width // height, resize_height), step=step)
    if width / height < resize_width / resize_height:
        target = resize_width, resize_width * height // width
    else:
        target = resize_height * width // height, resize_height
    crop = (target[0] - resize_width) // step, (target[1] - resize_height) // step
    return HiresSize(target=target, step=step, crop=crop)
