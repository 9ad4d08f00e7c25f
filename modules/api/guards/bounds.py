"""Limits on steps, batch size and the like in one request."""

from __future__ import annotations

from modules.api.generation.bodies import GenerationBody
from modules.foundation.errors import RequestError
from modules.settings.flags import Flags

SEEDS = (-(2**63), 2**64 - 1)
"""What torch's generators take."""


def check_bounds(body: GenerationBody, flags: Flags) -> None:
    """Raise RequestError, naming the field, for what lies beyond the --max flags or makes no sense at all."""
    _between("steps", body.steps, 1, flags.max_steps)
    _between("width", body.width, 8, flags.max_side)
    _between("height", body.height, 8, flags.max_side)
    _between("batch_size", body.batch_size, 1, min(flags.max_batch_size, flags.max_pictures))
    _between("n_iter", body.n_iter, 1, flags.max_pictures)
    _between("batch_size times n_iter", body.batch_size * body.n_iter, 1, flags.max_pictures)
    _between("seed", body.seed, *SEEDS)
    _between("subseed", body.subseed, *SEEDS)
    _between("seed_resize_from_w", body.seed_resize_from_w, -1, flags.max_side)
    _between("seed_resize_from_h", body.seed_resize_from_h, -1, flags.max_side)
    _between("cfg_scale", body.cfg_scale, -1000, 1000)


def _between(field: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise RequestError(f"{field} must lie between {least} and {most}; it is {value}.", field)
