"""Limits on steps, batch size and the like in one request."""

from __future__ import annotations

from modules.api.generation.bodies import GenerationBody
from modules.generation.count_limits import SEEDS, between
from modules.settings.flags import Flags


def check_bounds(body: GenerationBody, flags: Flags) -> None:
    """Raise RequestError, naming the field, for what lies beyond the --max flags or makes no sense at all."""
    between("steps", body.steps, 1, flags.max_steps)
    between("width", body.width, 8, flags.max_side)
    between("height", body.height, 8, flags.max_side)
    between("batch_size", body.batch_size, 1, min(flags.max_batch_size, flags.max_pictures))
    between("n_iter", body.n_iter, 1, flags.max_pictures)
    between("batch_size times n_iter", body.batch_size * body.n_iter, 1, flags.max_pictures)
    between("seed", body.seed, *SEEDS)
    between("subseed", body.subseed, *SEEDS)
    between("seed_resize_from_w", body.seed_resize_from_w, -1, flags.max_side)
    between("seed_resize_from_h", body.seed_resize_from_h, -1, flags.max_side)
    between("cfg_scale", body.cfg_scale, -1000, 1000)
