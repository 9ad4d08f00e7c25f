"""How large pictures may become: the one place that decides it, for every pass of a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modules.foundation.errors import RequestError
from modules.generation.plan import Plan
from modules.generation.request import SMALLEST_SIDE, GenerationRequest
from modules.imaging.hires_size import hires_size
from modules.prompts.composition import count_parts
from modules.settings.flags import Flags

INIT_BATCHES = 8
"""So many times the pixels of the largest batch may the pictures to begin with have together: all lie in memory."""


@dataclass(frozen=True, kw_only=True)
class SizeLimits:
    """`side`: pixels of the longest side. `pixels`: those of all pictures that are computed together."""

    side: int
    pixels: int

    @classmethod
    def from_flags(cls, flags: Flags) -> SizeLimits:
        """Those of a program that was started with these flags."""
        return cls(side=flags.max_side, pixels=flags.max_batch_pixels)

    def check(self, what: str, width: int, height: int, count: int = 1, *, field: str | None = None) -> None:
        """Raise RequestError, naming `field`, for `count` pictures of this size that are beyond the limits."""
        change = f"Change {field}." if field else "Ask for less."
        if max(width, height) > self.side or min(width, height) < SMALLEST_SIDE:
            sides = f"a side must lie between {SMALLEST_SIDE} and {self.side}"
            raise RequestError(f"{what} would have {width}x{height} pixels; {sides}. {change}", field)
        if width * height * count > self.pixels:
            together = f"{count} pictures of {width}x{height}" if count > 1 else f"{width}x{height}"
            raise RequestError(
                f"{what} would have {together} pixels at once, which are more than {self.pixels:,}. "
                f"Ask for less, or for more batches of fewer pictures: {field or 'the size'}.",
                field,
            )

    def check_request(self, request: GenerationRequest) -> None:
        """Raise RequestError, naming the field, if any pass of `request` is beyond the limits."""
        for what, width, height, field in _passes(request):
            self.check(what, width, height, request.batch_size, field=field)
        self._check_init_images(len(request.init_images), request.width, request.height)

    def _check_init_images(self, count: int, width: int, height: int) -> None:
        """Raise RequestError for more pictures to begin with than there is room for, each brought to the size."""
        pixels, most = count * width * height, self.pixels * INIT_BATCHES
        if count > 1 and pixels > most:
            raise RequestError(
                f"{count} pictures to begin with, each brought to {width}x{height}, would have {pixels:,} pixels "
                f"together, which are more than {most:,}. Send fewer at a time, or ask for a smaller size.",
                "init_images",
            )

    def check_plan(self, plan: Plan) -> None:
        """Raise RequestError if the parts that AND joins are too many to be computed together, in any pass of `plan`.

        Each of them is computed like a picture.
        """
        for each in (plan, plan.hires.second) if plan.hires is not None else (plan,):
            parts = max(map(count_parts, dict.fromkeys(each.prompt_texts)))
            pixels = each.width * each.height * each.batch_size * parts
            if parts > 1 and pixels > self.pixels:
                raise RequestError(
                    f"{parts} parts joined by AND, each for {each.batch_size} pictures of {each.width}x{each.height}, "
                    f"would be {pixels:,} pixels at once, which are more than {self.pixels:,}. Ask for fewer parts, or "
                    "for more batches of fewer pictures.",
                    "prompt",
                )


def _passes(request: GenerationRequest) -> Iterator[tuple[str, int, int, str]]:
    """What is made in turn: its name, its size, and the field that asks for it."""
    yield "The picture", request.width, request.height, "width" if request.width > request.height else "height"
    hires = request.hires
    if hires is None:
        return
    width, height = hires_size(
        request.width,
        request.height,
        scale=hires.scale,
        resize_width=hires.resize_width,
        resize_height=hires.resize_height,
    ).target
    by_size = hires.resize_width or hires.resize_height
    field = ("hr_resize_x" if hires.resize_width else "hr_resize_y") if by_size else "hr_scale"
    yield "The second pass", width, height, field
