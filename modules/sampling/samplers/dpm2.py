"""DPM-Solver-2 in the form of Karras et al. 2022 (EDM), algorithm 2: midpoints taken in log sigma.

Lu et al. 2022, "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps".
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from modules.sampling.parameterisation import EPSILON, Parameterisation
from modules.sampling.samplers.euler import Churn, derivative
from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise


def midpoint_step(model: Model, x: Tensor, sigma: float, sigma_next: float, slope: Tensor) -> Tensor:
    """One step by the slope at the geometric mean of both levels, which that at x leads to; the last one is Euler's."""
    if sigma_next == 0:
        return x + slope * (sigma_next - sigma)
    middle = (sigma * sigma_next) ** 0.5
    x_middle = x + slope * (middle - sigma)
    return x + derivative(x_middle, middle, model(x_middle, middle)) * (sigma_next - sigma)


def sample_dpm_2(
    model: Model,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise,
    callback: Callback,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = float("inf"),
    s_noise: float = 1.0,
    parameterisation: Parameterisation = EPSILON,
) -> Tensor:
    """DPM-Solver-2 with EDM's churn."""
    total = len(sigmas) - 1
    churn = Churn(
        steps=total,
        s_churn=s_churn,
        s_tmin=s_tmin,
        s_tmax=s_tmax,
        s_noise=s_noise,
        parameterisation=parameterisation,
    )
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        sigma_hat = churn.level(sigma)
        x = churn.raised(x, sigma, sigma_hat, noise)
        denoised = model(x, sigma_hat)
        slope = derivative(x, sigma_hat, denoised)  # before the callback, which may write to both
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        x = midpoint_step(model, x, sigma_hat, sigma_next, slope)
    return x


def sample_dpm_2_ancestral(
    model: Model,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise,
    callback: Callback,
    eta: float = 1.0,
    s_noise: float = 1.0,
    parameterisation: Parameterisation = EPSILON,
) -> Tensor:
    """Ancestral sampling with DPM-Solver-2 steps."""
    total = len(sigmas) - 1
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        split = parameterisation.ancestral(sigma, sigma_next, eta)
        x = midpoint_step(model, x, sigma, split.down, derivative(x, sigma, denoised))
        # An eta so large that all noise would be fresh ends the run there, as in A1111; in flow that is the first step.
        if split.up > 0 and (split.down > 0 or split.scale != 1):
            x = split.raised(x, noise(sigma, sigma_next), s_noise)
    return x
