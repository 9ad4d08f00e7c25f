"""Restart sampling: Xu et al. 2023, "Restart Sampling for Improving Generative Processes"."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from modules.sampling.samplers.euler import derivative, heun_step
from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise

RESTART_FROM = 0.1
RESTART_TO = 2.0
"""A restart leaps from the level nearest to the first of these back up to the one nearest to the second."""


def sample_restart(
    model: Model,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise,
    callback: Callback,
    s_noise: float = 1.0,
) -> Tensor:
    """Algorithm 1: Heun steps down; where the plan leaps to a higher level, noise is added to reach it."""
    steps = restart_steps(sigmas)
    reached: float | None = None
    for index, (sigma, sigma_next) in enumerate(steps):
        if reached is not None and reached < sigma:
            x = x + noise(reached, sigma) * (s_noise * (sigma**2 - reached**2) ** 0.5)
        denoised = model(x, sigma)
        slope = derivative(x, sigma, denoised)
        callback(SamplerStep(index=index, total=len(steps), sigma=sigma, x=x, denoised=denoised))
        x = heun_step(model, x, sigma, sigma_next, slope)
        reached = sigma_next
    return x


def restart_steps(sigmas: Sequence[float]) -> list[tuple[float, float]]:
    """All steps (from, to) of a run.

    From 20 steps on, one restart of 9 steps is taken out of the budget, from 36 steps on two restarts of a quarter
    each; the remaining main steps follow Karras's schedule. The number of steps stays the one that was asked for.
    """
    budget = len(sigmas) - 1
    if budget < 20:
        return list(itertools.pairwise(sigmas))
    length, times = (budget // 4, 2) if budget >= 36 else (9, 1)
    main = _karras(budget - length * times, sigmas[-2], sigmas[0])
    low, high = _nearest(main, RESTART_FROM), _nearest(main, RESTART_TO)
    steps: list[tuple[float, float]] = []
    for index, step in enumerate(itertools.pairwise(main)):
        steps.append(step)
        if index + 1 == low and high < low:
            again = _karras(length + 1, main[low], main[high])[:-1]
            steps.extend(list(itertools.pairwise(again)) * times)
    return steps


def _karras(count: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """Karras et al. 2022, equation 5, with the final zero."""
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    ramp = [index / (count - 1) if count > 1 else 0.0 for index in range(count)]
    return [*((high + position * (low - high)) ** rho for position in ramp), 0.0]


def _nearest(sigmas: Sequence[float], wanted: float) -> int:
    return min(range(len(sigmas)), key=lambda index: abs(sigmas[index] - wanted))
