"""UniPC: Zhao, Bai, Rao, Zhou, Lu 2023, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion
Models". Data prediction, multistep, on the continuous time of a discrete schedule (Lu et al. 2022, DPM-Solver,
appendix D.4): entry n of N has time (n + 1) / N, and log alpha is interpolated linearly between entries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise


class VPSchedule:
    """alpha, sigma and half log signal-to-noise ratio lambda of a variance-preserving process, at times in (0, 1]."""

    def __init__(self, alphas_cumprod: Sequence[float]) -> None:
        self.count = len(alphas_cumprod)
        self._log_alphas = 0.5 * np.log(np.asarray(alphas_cumprod, dtype=np.float64))
        self._times = np.arange(1, self.count + 1) / self.count

    def log_alpha(self, t: float) -> float:
        if t < self._times[0]:  # the first piece goes on below the first entry
            slope = (self._log_alphas[1] - self._log_alphas[0]) * self.count
            return float(self._log_alphas[0] + (t - self._times[0]) * slope)
        return float(np.interp(t, self._times, self._log_alphas))

    def lam(self, t: float) -> float:
        log_alpha = self.log_alpha(t)
        return log_alpha - 0.5 * math.log(-math.expm1(2 * log_alpha))

    def inverse_lam(self, lam: float) -> float:
        """The time at which lambda has this value."""
        log_alpha = -0.5 * float(np.logaddexp(0.0, -2.0 * lam))
        return float(np.interp(log_alpha, self._log_alphas[::-1], self._times[::-1]))


def time_steps(schedule: VPSchedule, *, skip_type: str, steps: int, start: float | None = None) -> list[float]:
    """`steps` + 1 falling times from `start` (None: 1) to 1/N, even in time, in its root, or in lambda.

    They are rounded to float32, in which the time steps of a network are given.
    """
    first, last = 1.0 if start is None else start, 1.0 / schedule.count
    ramp = [index / steps for index in range(steps + 1)]
    if skip_type == "logSNR":
        low, high = schedule.lam(first), schedule.lam(last)
        times = [schedule.inverse_lam(low + (high - low) * position) for position in ramp]
    elif skip_type == "time_quadratic":
        times = [(first**0.5 + (last**0.5 - first**0.5) * position) ** 2 for position in ramp]
    else:
        times = [first + (last - first) * position for position in ramp]
    return [float(np.float32(t)) for t in times]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Point:
    """A visited time and the denoised latent predicted there."""

    t: float
    lam: float
    x0: Tensor


def sample_unipc(
    model: Model,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas_cumprod: Sequence[float],
    noise: StepNoise,
    callback: Callback,
    from_image: bool = False,
    variant: str = "bh1",
    skip_type: str = "time_uniform",
    order: int = 3,
    lower_order_final: bool = True,
) -> Tensor:
    """Algorithms 5 and 6 (UniP and UniC, data prediction).

    Of `timesteps` only the number counts and, where the run starts from an image, the last one. An `order` above the
    number of steps is lowered to it.
    """
    steps = len(timesteps)
    if steps == 0:
        return x
    schedule = VPSchedule(alphas_cumprod)
    start = timesteps[-1] / schedule.count + 1 / schedule.count if from_image else None
    times = time_steps(schedule, skip_type=skip_type, steps=steps, start=start)
    order = min(order, steps)

    def predict(at: Tensor, t: float, index: int) -> _Point:
        abar = math.exp(2 * schedule.log_alpha(t))
        eps = model(at, float(np.float32(np.float32(t - 1 / schedule.count) * np.float32(schedule.count))))
        x0 = (at - eps * (1 - abar) ** 0.5) / abar**0.5
        sigma = ((1 - abar) / abar) ** 0.5
        callback(SamplerStep(index=index, total=steps, sigma=sigma, x=at, denoised=x0))
        return _Point(t=t, lam=schedule.lam(t), x0=x0)

    points = [predict(x, times[0], 0)]
    for step in range(1, steps + 1):
        step_order = min(step, order)
        if lower_order_final and step >= order:
            step_order = min(order, steps + 1 - step)
        update = _Update(schedule, points[-step_order:], times[step], variant)
        base, x = x, update.predict(x)
        if step < steps:
            point = predict(x, times[step], step)
            x = update.correct(base, point)
            points = [*points, point][-order:]
    return x


class _Update:
    """One step from the last of `points` to time `t`: predictor (UniP) and corrector (UniC) share all coefficients."""

    def __init__(self, schedule: VPSchedule, points: Sequence[_Point], t: float, variant: str) -> None:
        *earlier, self._last = points
        log_alpha, log_alpha_last = schedule.log_alpha(t), schedule.log_alpha(self._last.t)
        self._alpha = math.exp(log_alpha)
        self._ratio = math.sqrt(math.expm1(2 * log_alpha) / math.expm1(2 * log_alpha_last))
        h = schedule.lam(t) - self._last.lam
        self._hh, self._variant, self._order = -h, variant, len(points)
        self._rks = [(point.lam - self._last.lam) / h for point in reversed(earlier)]
        self._differences = [
            (point.x0 - self._last.x0) / rk for point, rk in zip(reversed(earlier), self._rks, strict=True)
        ]

    def predict(self, x: Tensor) -> Tensor:
        """UniP: the new state from the points already visited."""
        weights = self._weights(corrector=False)
        return self._combine(x, list(zip(weights, self._differences, strict=True)))

    def correct(self, x: Tensor, point: _Point) -> Tensor:
        """UniC: the same step again, now that the model was evaluated at its end."""
        weights = self._weights(corrector=True)
        differences = [*self._differences, point.x0 - self._last.x0]
        return self._combine(x, list(zip(weights, differences, strict=True)))

    def _combine(self, x: Tensor, terms: list[tuple[float, Tensor]]) -> Tensor:
        result = x * self._ratio - self._last.x0 * (self._alpha * math.expm1(self._hh))
        for weight, difference in terms:
            result = result - difference * (self._alpha * weight)
        return result

    def _weights(self, *, corrector: bool) -> list[float]:
        """One weight for each difference, B(h) included."""
        nodes = np.array([*self._rks, 1.0])
        if self._variant == "vary_coeff":
            return self._varying_weights(nodes, corrector=corrector)
        phi_1 = math.expm1(self._hh)
        b_h = self._hh if self._variant == "bh1" else phi_1
        phi, factorial, targets = phi_1 / self._hh - 1, 1, list[float]()
        for k in range(1, self._order + 1):
            targets.append(phi * factorial / b_h)
            factorial *= k + 1
            phi = phi / self._hh - 1 / factorial
        size = self._order if corrector else self._order - 1
        if size == 0:
            return []
        if size == 1:
            return [0.5 * b_h]  # the paper's choice for a single unknown, in place of the solution
        system = np.vander(nodes, self._order, increasing=True).T
        return list(np.linalg.solve(system[:size, :size], np.array(targets[:size])) * b_h)

    def _varying_weights(self, nodes: np.ndarray, *, corrector: bool) -> list[float]:
        """UniPC_v: coefficients that vary with the step, from the inverse of the matrix of equation 10 (appendix C)."""
        size = self._order
        columns, column = list[np.ndarray](), np.ones(size)
        for k in range(1, size + 1):
            columns.append(column)
            column = column * nodes / (k + 1)
        matrix = np.stack(columns, axis=1)
        phis, phi, factorial = list[float](), math.expm1(self._hh), 1
        for k in range(1, size + 2):
            phis.append(phi)
            phi = phi / self._hh - 1 / factorial
            factorial *= k + 1
        if not corrector:
            if size == 1:
                return []
            inverse = np.linalg.inv(matrix[:-1, :-1])
            return list(np.array(phis[1:size]) @ inverse)
        inverse = np.linalg.inv(matrix)
        earlier = np.array(phis[1:size]) @ inverse[: size - 1, : size - 1] if size > 1 else np.zeros(0)
        # The newest difference enters through a single row of the inverse, as in the authors' implementation.
        newest = phis[size] * inverse[max(size - 2, 0), -1]
        return [*earlier, float(newest)]
