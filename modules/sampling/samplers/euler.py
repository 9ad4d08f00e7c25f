"""Samplers of first and second order from Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based
Generative Models" (EDM), with their ancestral forms and the linear multistep method."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modules.sampling.parameterisation import EPSILON, Parameterisation
from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise

MAX_CHURN = 2**0.5 - 1
"""The largest factor by which one step may raise the noise level (EDM, section 4)."""


def derivative(x: Tensor, sigma: float, denoised: Tensor) -> Tensor:
    """dx/dsigma of the probability flow ODE: (x - D(x; sigma)) / sigma (EDM, equation 3)."""
    return (x - denoised) / sigma


@dataclass(frozen=True, kw_only=True)
class Churn:
    """How much noise EDM's stochastic sampler adds before each step (algorithm 2)."""

    steps: int
    s_churn: float
    s_tmin: float
    s_tmax: float
    s_noise: float
    parameterisation: Parameterisation

    def level(self, sigma: float) -> float:
        """The raised noise level sigma-hat of lines 4 to 6."""
        gamma = min(self.s_churn / self.steps, MAX_CHURN) if self.s_tmin <= sigma <= self.s_tmax else 0.0
        return min(sigma * (gamma + 1), self.parameterisation.highest)

    def raised(self, x: Tensor, sigma: float, sigma_hat: float, noise: StepNoise) -> Tensor:
        """`x` moved from level `sigma` up to `sigma_hat` by fresh noise.

        The noise is drawn even where nothing is raised, so that the later steps of a stream do not depend on `s_tmin`.
        """
        if self.s_churn <= 0:
            return x
        drawn = noise(sigma, sigma_hat)
        if sigma_hat <= sigma:
            return x
        return self.parameterisation.raising(sigma, sigma_hat).raised(x, drawn, self.s_noise)


def sample_euler(
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
    """Euler's method: EDM, algorithm 2 without the second-order correction."""
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
        x = x + slope * (sigma_next - sigma_hat)
    return x


def sample_euler_ancestral(
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
    """Ancestral sampling with Euler steps: further down than the next level, then noise up to it."""
    total = len(sigmas) - 1
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        split = parameterisation.ancestral(sigma, sigma_next, eta)
        x = x + derivative(x, sigma, denoised) * (split.down - sigma)
        if split.up > 0:
            x = split.raised(x, noise(sigma, sigma_next), s_noise)
    return x


def sample_heun(
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
    """Heun's method of second order: EDM, algorithm 2."""
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
        slope = derivative(x, sigma_hat, denoised)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        x = heun_step(model, x, sigma_hat, sigma_next, slope)
    return x


def heun_step(model: Model, x: Tensor, sigma: float, sigma_next: float, slope: Tensor) -> Tensor:
    """One step of Heun's method with the slope at x; the last step, to zero, is Euler's."""
    euler = x + slope * (sigma_next - sigma)
    if sigma_next == 0:
        return euler
    slope_next = derivative(euler, sigma_next, model(euler, sigma_next))
    return x + (slope + slope_next) / 2 * (sigma_next - sigma)


def sample_lms(
    model: Model,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: StepNoise,
    callback: Callback,
    order: int = 4,
) -> Tensor:
    """Linear multistep (Adams-Bashforth) on uneven steps: the last slopes' interpolating polynomial, integrated."""
    total = len(sigmas) - 1
    slopes: list[Tensor] = []
    for index in range(total):
        denoised = model(x, sigmas[index])
        slopes = [*slopes, derivative(x, sigmas[index], denoised)][-order:]
        callback(SamplerStep(index=index, total=total, sigma=sigmas[index], x=x, denoised=denoised))
        weights = multistep_weights(sigmas[: index + 1][-len(slopes) :], sigmas[index], sigmas[index + 1])
        for weight, slope in zip(weights, slopes, strict=True):
            x = x + slope * weight
    return x


def multistep_weights(nodes: Sequence[float], start: float, end: float) -> list[float]:
    """The integrals from `start` to `end` of the Lagrange basis polynomials on `nodes`.

    Hairer, Norsett, Wanner 1993, "Solving Ordinary Differential Equations I", section III.5.
    """
    weights: list[float] = []
    for index, node in enumerate(nodes):
        others = [other - start for position, other in enumerate(nodes) if position != index]
        basis = np.polynomial.Polynomial.fromroots(others) if others else np.polynomial.Polynomial([1.0])
        area = basis.integ()(end - start) / math.prod(node - start - other for other in others)
        weights.append(float(area))
    return weights
