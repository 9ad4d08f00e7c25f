"""DPM-Solver with a planned and with an adaptive sequence of steps.

Lu et al. 2022, "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps". Time is
lambda = -log sigma; a step of size h from lambda to lambda + h uses one to three noise estimates. With eta > 0 a step
goes further down and noise is added back, as in ancestral sampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modules.sampling.parameterisation import EPSILON, AncestralStep, Parameterisation
from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise


@dataclass(kw_only=True)
class _Stages:
    """The noise estimates of one step; the middle ones are shared by solvers of different order."""

    model: Model
    x: Tensor
    start: float
    end: float
    known: dict[float, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.known = {}

    @property
    def h(self) -> float:
        return self.end - self.start

    def eps_at(self, r: float, x: Tensor | None = None) -> Tensor:
        """(x - D) / sigma at the fraction `r` of the step, worked out once."""
        if r not in self.known:
            at = self.x if x is None else x
            sigma = math.exp(-(self.start + r * self.h))
            self.known[r] = (at - self.model(at, sigma)) / sigma
        return self.known[r]

    def first_order(self, r: float) -> Tensor:
        """The state at the fraction `r` from the first estimate alone (DPM-Solver-1)."""
        sigma = math.exp(-(self.start + r * self.h))
        return self.x - self.eps_at(0.0) * (sigma * math.expm1(r * self.h))


def solver_1(stages: _Stages) -> Tensor:
    """DPM-Solver-1: equation 3.7."""
    return stages.first_order(1.0)


def solver_2(stages: _Stages, r1: float = 0.5) -> Tensor:
    """DPM-Solver-2: algorithm 1, the middle stage at the fraction `r1`."""
    middle = stages.eps_at(r1, stages.first_order(r1))
    sigma = math.exp(-stages.end)
    correction = (middle - stages.eps_at(0.0)) * (sigma / (2 * r1) * math.expm1(stages.h))
    return stages.first_order(1.0) - correction


def solver_3(stages: _Stages, r1: float = 1 / 3, r2: float = 2 / 3) -> Tensor:
    """DPM-Solver-3: algorithm 2, middle stages at the fractions `r1` and `r2`."""
    h, eps = stages.h, stages.eps_at(0.0)
    first = stages.eps_at(r1, stages.first_order(r1))
    sigma_2 = math.exp(-(stages.start + r2 * h))
    inner = (first - eps) * (sigma_2 * (r2 / r1) * (math.expm1(r2 * h) / (r2 * h) - 1))
    second = stages.eps_at(r2, stages.first_order(r2) - inner)
    sigma = math.exp(-stages.end)
    return stages.first_order(1.0) - (second - eps) * (sigma / r2 * (math.expm1(h) / h - 1))


_SOLVERS: dict[int, Callable[[_Stages], Tensor]] = {1: solver_1, 2: solver_2, 3: solver_3}


def _shortened(
    parameterisation: Parameterisation, start: float, end: float, last: float, eta: float
) -> tuple[float, AncestralStep]:
    """Where the deterministic part of a step from `start` to `end` stops, and how noise brings it back from there."""
    if not eta:
        return end, AncestralStep(math.exp(-end), 0.0)
    down = parameterisation.ancestral(math.exp(-start), math.exp(-end), eta).down
    stop = min(last, -math.log(down)) if down > 0 else last
    return stop, parameterisation.raising(math.exp(-stop), math.exp(-end))


def sample_dpm_fast(
    model: Model,
    x: Tensor,
    *,
    sigma_min: float,
    sigma_max: float,
    steps: int,
    noise: StepNoise,
    callback: Callback,
    eta: float = 0.0,
    s_noise: float = 1.0,
    parameterisation: Parameterisation = EPSILON,
) -> Tensor:
    """DPM-Solver-fast: section 3.4, `steps` evaluations spent on third-order steps, the rest on lower ones."""
    if sigma_max <= sigma_min:
        return x
    first, last = -math.log(sigma_max), -math.log(sigma_min)
    count = steps // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if steps % 3 == 0 else [3] * (count - 1) + [steps % 3]
    times = [first + (last - first) * index / count for index in range(count + 1)]
    for index, order in enumerate(orders):
        start, end = times[index], times[index + 1]
        stop, split = _shortened(parameterisation, start, end, last, eta)
        stages = _Stages(model=model, x=x, start=start, end=stop)
        sigma = math.exp(-start)
        denoised = x - stages.eps_at(0.0) * sigma
        callback(SamplerStep(index=index, total=len(orders), sigma=sigma, x=x, denoised=denoised))
        x = _SOLVERS[order](stages)
        if eta:
            x = split.raised(x, noise(sigma, math.exp(-end)), s_noise)
    return x


@dataclass
class StepSizeController:
    """Step sizes from error estimates: a PID controller (Soderlind, "Digital Filters in Adaptive Time-Stepping")."""

    h: float
    order: float
    proportional: float = 0.0
    integral: float = 1.0
    derivative: float = 0.0
    accept_safety: float = 0.81
    _inverse_errors: list[float] = field(default_factory=list[float])

    def propose(self, error: float) -> bool:
        """Take in a step's error (1 is just tolerable), set the next `h`, and say whether the step stands."""
        inverse = 1 / (error + 1e-8)
        earlier = self._inverse_errors[1:] if self._inverse_errors else [inverse, inverse]
        errors = [inverse, *earlier]
        exponents = (
            (self.proportional + self.integral + self.derivative) / self.order,
            -(self.proportional + 2 * self.derivative) / self.order,
            self.derivative / self.order,
        )
        factor = math.prod(value**exponent for value, exponent in zip(errors, exponents, strict=True))
        factor = 1 + math.atan(factor - 1)
        accepted = factor >= self.accept_safety
        self._inverse_errors = [inverse, *errors[:2]] if accepted else errors
        self.h *= factor
        return accepted


def sample_dpm_adaptive(
    model: Model,
    x: Tensor,
    *,
    sigma_min: float,
    sigma_max: float,
    steps: int,
    noise: StepNoise,
    callback: Callback,
    eta: float = 0.0,
    s_noise: float = 1.0,
    parameterisation: Parameterisation = EPSILON,
) -> Tensor:
    """DPM-Solver-12/23 with adaptive steps: appendix C, algorithm 3. `steps` is only what progress is shown against.

    Each image of the batch has its own step sizes, so that it does not depend on its neighbours; the images are solved
    one after another. The control needs one number per step on the host: this sampler alone waits for the device.
    """
    import torch

    images = [x[index : index + 1] for index in range(len(x))]
    finished = list(images)
    for position in range(len(images)):

        def report(event: SamplerStep, position: int = position) -> None:
            whole = [
                torch.cat([*finished[:position], part, *finished[position + 1 :]]) for part in (event.x, event.denoised)
            ]
            callback(
                SamplerStep(index=event.index, total=event.total, sigma=event.sigma, x=whole[0], denoised=whole[1])
            )

        finished[position] = _adaptive_image(
            model if len(images) == 1 else model.image(position),
            images[position],
            times=(-math.log(sigma_max), -math.log(sigma_min)),
            steps=steps,
            noise=noise if len(images) == 1 else noise.image(position),
            callback=callback if len(images) == 1 else report,
            eta=eta,
            s_noise=s_noise,
            parameterisation=parameterisation,
        )
    return torch.cat(finished)


def _adaptive_image(
    model: Model,
    x: Tensor,
    *,
    times: tuple[float, float],
    steps: int,
    noise: StepNoise,
    callback: Callback,
    eta: float,
    s_noise: float,
    parameterisation: Parameterisation,
    rtol: float = 0.05,
    atol: float = 0.0078,
) -> Tensor:
    """One image [1, C, H, W] from the first to the second of `times` (in lambda), with orders 2 and 3 compared."""
    start, last = times
    control = StepSizeController(0.05, 1.5 if eta else 3)
    previous, index = x, 0
    while start < last - 1e-5:
        end = min(last, start + control.h)
        stop, split = _shortened(parameterisation, start, end, last, eta)
        stages = _Stages(model=model, x=x, start=start, end=stop)
        sigma = math.exp(-start)
        denoised = x - stages.eps_at(0.0) * sigma
        low, high = solver_2(stages, 1 / 3), solver_3(stages)
        tolerance = low.abs().maximum(previous.abs()).mul(rtol).clamp(min=atol)
        error = float((((low - high) / tolerance) ** 2).mean()) ** 0.5
        if control.propose(error):
            previous = low
            x = split.raised(high, noise(sigma, math.exp(-end)), s_noise) if eta else high
            start = end
        callback(SamplerStep(index=index, total=steps, sigma=math.exp(-start), x=x, denoised=denoised))
        index += 1
    return x
