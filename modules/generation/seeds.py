"""Seeds: where a request leaves them to chance they are chosen here, and from one seed follow those of all pictures."""

from __future__ import annotations

import dataclasses
import random

from modules.generation.request import GenerationRequest

CHANCE = -1
"""The seed of a request that leaves it open."""

LARGEST_SEED = 2**32 - 1


def with_seeds(request: GenerationRequest) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request with a seed and subseed where it has none, and the names of those that were chosen."""
    chosen = {name: random.randrange(LARGEST_SEED) for name in ("seed", "subseed") if getattr(request, name) == CHANCE}
    return (dataclasses.replace(request, **chosen) if chosen else request), tuple(chosen)


def picture_seeds(request: GenerationRequest, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Seeds and subseeds of `count` pictures.

    A variation strength keeps the seed and varies the subseed; without one each picture has its own seed.
    """
    step = 1 if request.subseed_strength == 0 else 0
    return (
        tuple(request.seed + index * step for index in range(count)),
        tuple(request.subseed + index for index in range(count)),
    )


def advanced(request: GenerationRequest, pictures: int) -> GenerationRequest:
    """`request` as it goes on after so many pictures: as if they were the first of one long row of batches."""
    return dataclasses.replace(
        request,
        seed=request.seed + (pictures if request.subseed_strength == 0 else 0),
        subseed=request.subseed + pictures,
    )
