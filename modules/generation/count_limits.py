"""How many steps and pictures a request may ask for, and which seeds there are, wherever it came from.

The API says it of its own fields first (`api/guards/bounds.py`); here are requests of the page, and those that scripts
and extensions have changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from modules.foundation.errors import RequestError
from modules.generation.request import GenerationRequest
from modules.settings.flags import Flags

SEEDS = (-(2**63), 2**64 - 1)
"""What torch's generators take."""


def check_counts(request: GenerationRequest, flags: Flags) -> None:
    """Raise RequestError, naming the field, for what lies beyond the --max flags or is no seed."""
    for field, value, least, most in _counts(request, flags):
        between(field, value, least, most)


def between(field: str, value: float, least: float, most: float) -> None:
    """Raise RequestError, naming `field`, for a value that is not between these two."""
    if not least <= value <= most:
        raise RequestError(f"{field} must lie between {least} and {most}; it is {_short(value)}.", field)


def _counts(request: GenerationRequest, flags: Flags) -> Iterator[tuple[str, float, float, float]]:
    yield "steps", request.steps, 1, flags.max_steps
    if request.hires is not None:
        yield "hr_second_pass_steps", request.hires.steps, 0, flags.max_steps
    yield "batch_size", request.batch_size, 1, min(flags.max_batch_size, flags.max_pictures)
    yield "batch_size times n_iter", request.batch_size * request.batch_count, 1, flags.max_pictures
    each = request.per_picture
    for field, seeds in (
        ("seed", (request.seed, *(each.seeds if each else ()))),
        ("subseed", (request.subseed, *(each.subseeds if each else ()))),
    ):
        yield field, min(seeds), *SEEDS
        yield field, max(seeds), *SEEDS
    yield "seed_resize_from_w", request.seed_resize_from_width, -flags.max_side, flags.max_side
    yield "seed_resize_from_h", request.seed_resize_from_height, -flags.max_side, flags.max_side


def _short(value: float) -> str:
    """A number in words of a message; Python refuses to write out the very long ones."""
    return str(value) if abs(value) < 10**40 else "far beyond"
