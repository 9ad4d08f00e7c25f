"""Noise schedules: which noise levels a run of n steps visits.

Every schedule is a function of the ends of the range; those that follow the model's training levels also take its
`ModelSchedule`. Torch and SciPy are imported when a schedule is computed, so that listing names stays cheap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modules.foundation.errors import RequestError, UnknownName
from modules.foundation.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from modules.sampling.model_schedule import ModelSchedule
    from modules.sampling.options import SamplingOptions


@dataclass(frozen=True, kw_only=True)
class Range:
    """What a schedule is computed from: number of steps, ends of the range, shape and the model's own levels.

    `align_your_steps` are the levels that were published for the model's family, None where there are none.
    """

    steps: int
    sigma_min: float
    sigma_max: float
    rho: float
    model: ModelSchedule
    options: SamplingOptions
    align_your_steps: Sequence[float] | None = None


def uniform(r: Range) -> Tensor:
    """Evenly spaced training time steps, from the last to the first (Ho et al. 2020 as discretised in DDIM)."""
    import torch

    model = r.model
    if model.stride > 1:
        ends = model.sigma_to_t(model.sigmas[[-1, 0]])
        t = torch.linspace(float(ends[0]), float(ends[1]), r.steps)
    else:
        t = torch.linspace(len(model.sigmas) - 1, 0, r.steps)
    return _with_zero(model.t_to_sigma(t))


def karras(r: Range) -> Tensor:
    """Karras et al. 2022, equation 5: evenly spaced in sigma^(1/rho)."""
    import torch

    ramp = torch.linspace(0, 1, r.steps)
    low, high = r.sigma_min ** (1 / r.rho), r.sigma_max ** (1 / r.rho)
    return _with_zero((high + ramp * (low - high)) ** r.rho)


def exponential(r: Range) -> Tensor:
    """Evenly spaced in log sigma."""
    import torch

    return _with_zero(torch.linspace(math.log(r.sigma_max), math.log(r.sigma_min), r.steps).exp())


def polyexponential(r: Range) -> Tensor:
    """A polynomial of degree rho in log sigma."""
    import torch

    ramp = torch.linspace(1, 0, r.steps) ** r.rho
    return _with_zero((ramp * (math.log(r.sigma_max) - math.log(r.sigma_min)) + math.log(r.sigma_min)).exp())


def sgm_uniform(r: Range) -> Tensor:
    """Evenly spaced time steps of which the last is left out (Stability AI's generative-models; SDXL's training)."""
    t = _time_range(r, r.steps + 1)[:-1]
    return _with_zero(r.model.t_to_sigma(t))


def kl_optimal(r: Range) -> Tensor:
    """Sabour et al. 2024, "Align Your Steps", appendix: optimal for isotropic data; ends at sigma_min, not at zero."""
    import torch

    position = torch.arange(r.steps + 1) / r.steps
    return torch.tan(position * math.atan(r.sigma_min) + (1 - position) * math.atan(r.sigma_max))


def align_your_steps(r: Range) -> Tensor:
    """Sabour et al. 2024: a published table, log-linearly interpolated for other numbers of steps."""
    table = r.align_your_steps
    if table is None:
        raise RequestError(
            "Align Your Steps is a list of levels for each family of models, and there is none for this one. Choose "
            "another schedule type.",
            "scheduler",
        )
    if r.steps == len(table):
        return _from_list([*table, 0.0])
    known = np.linspace(0, 1, len(table))
    logs = np.interp(np.linspace(0, 1, r.steps), known, np.log(table[::-1]))
    return _from_list([*np.exp(logs)[::-1], 0.0])


def simple(r: Range) -> Tensor:
    """Every (T/n)-th training level, counted from the noisiest."""
    import torch

    stride = len(r.model.sigmas) / r.steps
    index = torch.tensor([-(1 + int(step * stride)) for step in range(r.steps)], dtype=torch.long)
    return _with_zero(r.model.sigmas[index])


def normal(r: Range) -> Tensor:
    """Evenly spaced time steps between the ends of the range."""
    return _with_zero(r.model.t_to_sigma(_time_range(r, r.steps)))


def ddim(r: Range) -> Tensor:
    """DDIM's own choice of training levels (Song et al. 2021): from the second on, a whole stride apart."""
    stride = max(len(r.model.sigmas) // r.steps, 1)
    return _with_zero(r.model.sigmas[1::stride].flip(0))


def beta(r: Range) -> Tensor:
    """Lee et al. 2024, "Beta Sampling is All You Need": quantiles of a beta distribution, on a linear sigma axis."""
    from scipy.special import betaincinv  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    quantiles = 1 - np.linspace(0, 1, r.steps)
    positions = betaincinv(r.options.beta_dist_alpha, r.options.beta_dist_beta, quantiles)
    return _from_list([*(r.sigma_min + positions * (r.sigma_max - r.sigma_min)), 0.0])


def _time_range(r: Range, count: int) -> Tensor:
    """`count` evenly spaced time steps between those of the range's ends."""
    import torch

    ends = r.model.sigma_to_t(torch.tensor([r.sigma_max, r.sigma_min]))
    return torch.linspace(float(ends[0]), float(ends[1]), count)


def _with_zero(sigmas: Tensor) -> Tensor:
    import torch

    return torch.cat([sigmas, sigmas.new_zeros(1)])


def _from_list(values: list[Any]) -> Tensor:
    import torch

    return torch.tensor([float(value) for value in values], dtype=torch.float32)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A noise schedule and how it is known. `default_rho` is None where rho has no meaning."""

    name: str
    label: str
    function: Callable[[Range], Tensor] | None
    default_rho: float | None = None
    needs_model: bool = False
    aliases: tuple[str, ...] = ()


AUTOMATIC = Schedule(name="automatic", label="Automatic", function=None)

_BUILT_IN: tuple[Schedule, ...] = (
    AUTOMATIC,
    Schedule(name="uniform", label="Uniform", function=uniform, needs_model=True),
    Schedule(name="karras", label="Karras", function=karras, default_rho=7.0),
    Schedule(name="exponential", label="Exponential", function=exponential),
    Schedule(name="polyexponential", label="Polyexponential", function=polyexponential, default_rho=1.0),
    Schedule(name="sgm_uniform", label="SGM Uniform", function=sgm_uniform, needs_model=True, aliases=("SGMUniform",)),
    Schedule(name="kl_optimal", label="KL Optimal", function=kl_optimal),
    Schedule(name="align_your_steps", label="Align Your Steps", function=align_your_steps),
    Schedule(name="simple", label="Simple", function=simple, needs_model=True),
    Schedule(name="normal", label="Normal", function=normal, needs_model=True),
    Schedule(name="ddim", label="DDIM", function=ddim, needs_model=True),
    Schedule(name="beta", label="Beta", function=beta, needs_model=True),
)


SCHEDULES: Registry[Schedule] = Registry(
    "schedule", lambda schedule: (schedule.label, schedule.name, *schedule.aliases), _BUILT_IN
)
"""The schedules in the order in which they are offered."""


def names() -> list[str]:
    """The labels of all schedules, in the order in which they are offered."""
    return SCHEDULES.names()


def find(name: str) -> Schedule | None:
    """The schedule of that name, label or alias in any case, or None."""
    return SCHEDULES.find(name)


def resolve(name: str | None) -> Schedule:
    """The schedule of that name; none given means Automatic. Raises UnknownName with the nearest labels."""
    if name is None or not name.strip():
        return AUTOMATIC
    schedule = find(name)
    if schedule is None:
        raise UnknownName("schedule type", name, [*(entry.name for entry in SCHEDULES), *names()], "scheduler")
    return schedule
