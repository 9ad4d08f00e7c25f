"""Sampling backwards: the noise that Euler's method would have made a picture of."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def noise_of(
    denoise: Callable[[Tensor, float], Tensor],
    latent: Tensor,
    sigmas: Tensor,
    *,
    adjusted: bool = False,
    at_step: Callable[[int], None] | None = None,
) -> Tensor:
    """Unit noise [B, C, h, w] for `latent`, found step by step from 0 to the highest of `sigmas` [n + 1], which fall.

    It follows dx/dsigma = (x - D(x, sigma)) / sigma (Karras et al. 2022, eq. 3) upwards. D is asked at the level that
    a step leads to and its result divided by its own standard deviation; `adjusted`, at the level that the step
    begins with, half as far in the first one, and divided by the highest level. `at_step` is told each step.
    """
    levels = [float(sigma) for sigma in sigmas.flip(0)]
    x = latent
    for step, (below, above) in enumerate(itertools.pairwise(levels)):
        level = below if adjusted and step else above
        slope = (x - denoise(x, level)) / (2 * level if adjusted and not step else level)
        x = x + slope * (above - below)
        if at_step is not None:
            at_step(step + 1)
    return x / levels[-1] if adjusted else x / x.std()
