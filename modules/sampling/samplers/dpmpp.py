"""DPM-Solver++ for guided sampling: Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion
Probabilistic Models".

In variance-exploding form, with lambda = -log sigma, the exact solution over a step of size h = lambda_next - lambda is
x_next = (sigma_next / sigma) x - expm1(-h) D, where D is an approximation of the denoised latent over the step. With
lambda = log(alpha / sigma), D's factor is alpha_next (1 - exp(-h)), which is how it reads for rectified flow.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from modules.sampling.parameterisation import EPSILON, Parameterisation
from modules.sampling.samplers.euler import derivative
from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise


def exponential_step(x: Tensor, sigma: float, sigma_next: float, denoised: Tensor) -> Tensor:
    """The exact step for a constant denoised latent: an interpolation from `x` towards `denoised`."""
    ratio = sigma_next / sigma
    return x * ratio + denoised * (1 - ratio)


def sample_dpmpp_2m(
    model: Model, x: Tensor, sigmas: Sequence[float], *, noise: StepNoise, callback: Callback
) -> Tensor:
    """DPM-Solver++(2M): algorithm 2, second order from the previous step's value."""
    total = len(sigmas) - 1
    previous: Tensor | None = None
    last_h = 0.0
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        h = math.log(sigma / sigma_next) if sigma_next > 0 else math.inf
        estimate = denoised
        if previous is not None and sigma_next > 0:
            weight = h / (2 * last_h)
            estimate = denoised * (1 + weight) - previous * weight
        x = exponential_step(x, sigma, sigma_next, estimate)
        previous, last_h = denoised, h
    return x


def sample_dpmpp_2s_ancestral(
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
    """Ancestral sampling with DPM-Solver++(2S) steps: algorithm 1, one evaluation at the middle of the step."""
    total = len(sigmas) - 1
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        split = parameterisation.ancestral(sigma, sigma_next, eta)
        if split.down == 0:
            x = x + derivative(x, sigma, denoised) * (split.down - sigma)
        else:
            middle = (sigma * split.down) ** 0.5
            x_middle = exponential_step(x, sigma, middle, denoised)
            x = exponential_step(x, sigma, split.down, model(x_middle, middle))
        if split.up > 0:
            x = split.raised(x, noise(sigma, sigma_next), s_noise)
    return x


def sample_dpmpp_sde(
    model: Model,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise,
    callback: Callback,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
    parameterisation: Parameterisation = EPSILON,
) -> Tensor:
    """DPM-Solver++(2S) for the diffusion SDE: both stages add Brownian noise; `r` places the middle stage."""
    total = len(sigmas) - 1
    pairs = itertools.pairwise(sigmas)
    stages = [_stages(*pair, r) if pair[1] > 0 else (pair[0], 0.0, 0.0) for pair in pairs]
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        if sigma_next == 0:
            x = x + derivative(x, sigma, denoised) * (sigma_next - sigma)
            continue
        start, middle, end = stages[index]
        half = parameterisation.ancestral(start, middle, eta)
        x_middle = exponential_step(x, start, half.down, denoised)
        if half.up > 0:
            x_middle = half.raised(x_middle, noise(start, middle), s_noise)
        at_middle = model(x_middle, middle)
        whole = parameterisation.ancestral(start, end, eta)
        weight = 1 / (2 * r)
        estimate = denoised * (1 - weight) + at_middle * weight
        x = exponential_step(x, start, whole.down, estimate)
        if whole.up > 0:
            x = whole.raised(x, noise(start, end), s_noise)
    return x


def _stages(sigma: float, sigma_next: float, r: float) -> tuple[float, float, float]:
    """Beginning, middle and end of a step by way of lambda, each value rounded to single precision.

    A Brownian path tells apart times that differ in the sixth decimal, so the very rounding is part of the picture.
    """
    start, end = (np.float32(-math.log(np.float32(level))) for level in (sigma, sigma_next))
    middle = start + (end - start) * np.float32(r)
    first, second, third = (float(np.float32(math.exp(-lam))) for lam in (start, middle, end))
    return first, second, third


def sample_dpmpp_2m_sde(
    model: Model,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise,
    callback: Callback,
    eta: float = 1.0,
    s_noise: float = 1.0,
    solver_type: str = "midpoint",
    parameterisation: Parameterisation = EPSILON,
) -> Tensor:
    """SDE-DPM-Solver++(2M): the paper's section 4.3; `solver_type` is "midpoint" or "heun"."""
    total = len(sigmas) - 1
    previous: Tensor | None = None
    last_h = 0.0
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        if sigma_next == 0:
            x = denoised
            continue
        h, alpha = parameterisation.log_snr_step(sigma, sigma_next), parameterisation.alpha(sigma_next)
        h_eta = h * (1 + eta)
        phi_1 = -math.expm1(-h_eta)
        x = x * (sigma_next / sigma * _decay(h, eta)) + denoised * (alpha * phi_1)
        if previous is not None:
            second = 1 - phi_1 / h_eta if solver_type == "heun" else 0.5 * phi_1
            x = x + (denoised - previous) * (alpha * second * h / last_h)
        if eta:
            x = x + noise(sigma, sigma_next) * (sigma_next * math.sqrt(-math.expm1(-2 * h * eta)) * s_noise)
        previous, last_h = denoised, h
    return x


def sample_dpmpp_3m_sde(
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
    """SDE-DPM-Solver++ of third order: a quadratic through the last three denoised latents, in lambda."""
    total = len(sigmas) - 1
    history: list[tuple[Tensor, float]] = []
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        if sigma_next == 0:
            x = denoised
            continue
        h, alpha = parameterisation.log_snr_step(sigma, sigma_next), parameterisation.alpha(sigma_next)
        h_eta = h * (1 + eta)
        x = x * (sigma_next / sigma * _decay(h, eta)) + denoised * (alpha * -math.expm1(-h_eta))
        if history:
            x = x + _higher_orders(denoised, history, h, h_eta, alpha)
        if eta:
            x = x + noise(sigma, sigma_next) * (sigma_next * math.sqrt(-math.expm1(-2 * h * eta)) * s_noise)
        history = [(denoised, h), *history[:1]]
    return x


def _decay(h: float, eta: float) -> float:
    """exp(-h eta): what old noise is multiplied with besides the ratio of levels, to make room for fresh noise."""
    return math.exp(-h * eta) if eta else 1.0


def _higher_orders(
    denoised: Tensor, history: list[tuple[Tensor, float]], h: float, h_eta: float, alpha: float
) -> Tensor:
    """The second- and third-order terms from divided differences of one or two earlier denoised latents."""
    phi_2 = alpha * (math.expm1(-h_eta) / h_eta + 1)
    (previous, h_1), *older = history
    r_0 = h_1 / h
    difference = (denoised - previous) / r_0
    if not older:
        return difference * phi_2
    before, h_2 = older[0]
    r_1 = h_2 / h
    second = (difference - (previous - before) / r_1) / (r_0 + r_1)
    return (difference + second * r_0) * phi_2 - second * (phi_2 / h_eta - 0.5 * alpha)
