"""The samplers by name: what each is called, how it is called, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.foundation.errors import UnknownName
from modules.foundation.registry import Registry
from modules.sampling import schedules
from modules.sampling.arguments import (
    Arguments,
    of_unipc,
    over_levels,
    over_levels_with_noise,
    over_range,
    over_timesteps,
)
from modules.sampling.denoiser import ConsistencyDenoiser, Denoiser, SigmaDenoiser, TimestepDenoiser
from modules.sampling.samplers import ddim, dpm2, dpm_solver, dpmpp, euler, lcm, restart, unipc
from modules.sampling.schedules import Schedule

_CHURN = frozenset({"s_churn", "s_tmin", "s_tmax", "s_noise"})
_ANCESTRAL = frozenset({"eta", "s_noise"})
_ETA = frozenset({"eta"})
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """One sampler. `parameters` are the options that it takes from the user; `fixed` are its own.

    `denoiser` is how it reads a network, `arguments` what its function is given of the levels. One that is
    `discrete_only` cannot sample models that were trained on rectified flow.
    """

    name: str
    aliases: tuple[str, ...]
    function: Callable[..., Any]
    denoiser: type[Denoiser] = SigmaDenoiser
    arguments: Arguments = over_levels
    default_schedule: str = "Uniform"
    parameters: frozenset[str] = _NONE
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    second_order: bool = False
    brownian_noise: bool = False
    discard_next_to_last_sigma: bool = False
    uses_ensd: bool = False
    discrete_only: bool = False
    guidance_multiplier: float = 1.0

    def model_calls(self, steps: int) -> int:
        """How many evaluations of the model prompts are scheduled over."""
        return steps * 2 if self.second_order else steps


_BUILT_IN: tuple[Sampler, ...] = (
    Sampler(name="DPM++ 2M", aliases=("k_dpmpp_2m",), function=dpmpp.sample_dpmpp_2m, default_schedule="Karras"),
    Sampler(
        name="DPM++ SDE",
        aliases=("k_dpmpp_sde",),
        function=dpmpp.sample_dpmpp_sde,
        default_schedule="Karras",
        parameters=_ANCESTRAL,
        arguments=over_levels_with_noise,
        second_order=True,
        brownian_noise=True,
    ),
    Sampler(
        name="DPM++ 2M SDE",
        aliases=("k_dpmpp_2m_sde",),
        function=dpmpp.sample_dpmpp_2m_sde,
        default_schedule="Exponential",
        parameters=_ANCESTRAL,
        arguments=over_levels_with_noise,
        brownian_noise=True,
    ),
    Sampler(
        name="DPM++ 2M SDE Heun",
        aliases=("k_dpmpp_2m_sde_heun",),
        function=dpmpp.sample_dpmpp_2m_sde,
        default_schedule="Exponential",
        parameters=_ANCESTRAL,
        arguments=over_levels_with_noise,
        fixed={"solver_type": "heun"},
        brownian_noise=True,
    ),
    Sampler(
        name="DPM++ 2S a",
        aliases=("k_dpmpp_2s_a",),
        function=dpmpp.sample_dpmpp_2s_ancestral,
        default_schedule="Karras",
        parameters=_ANCESTRAL,
        arguments=over_levels_with_noise,
        second_order=True,
        uses_ensd=True,
    ),
    Sampler(
        name="DPM++ 3M SDE",
        aliases=("k_dpmpp_3m_sde",),
        function=dpmpp.sample_dpmpp_3m_sde,
        default_schedule="Exponential",
        parameters=_ANCESTRAL,
        arguments=over_levels_with_noise,
        brownian_noise=True,
        discard_next_to_last_sigma=True,
    ),
    Sampler(
        name="Euler a",
        aliases=("k_euler_a", "k_euler_ancestral"),
        function=euler.sample_euler_ancestral,
        parameters=_ETA,
        arguments=over_levels_with_noise,
        uses_ensd=True,
    ),
    Sampler(
        name="Euler",
        aliases=("k_euler",),
        function=euler.sample_euler,
        parameters=_CHURN,
        arguments=over_levels_with_noise,
    ),
    Sampler(name="LMS", aliases=("k_lms",), function=euler.sample_lms),
    Sampler(
        name="Heun",
        aliases=("k_heun",),
        function=euler.sample_heun,
        parameters=_CHURN,
        arguments=over_levels_with_noise,
        second_order=True,
    ),
    Sampler(
        name="DPM2",
        aliases=("k_dpm_2",),
        function=dpm2.sample_dpm_2,
        default_schedule="Karras",
        parameters=_CHURN,
        arguments=over_levels_with_noise,
        second_order=True,
        discard_next_to_last_sigma=True,
    ),
    Sampler(
        name="DPM2 a",
        aliases=("k_dpm_2_a",),
        function=dpm2.sample_dpm_2_ancestral,
        default_schedule="Karras",
        parameters=_ANCESTRAL,
        arguments=over_levels_with_noise,
        second_order=True,
        discard_next_to_last_sigma=True,
        uses_ensd=True,
    ),
    Sampler(
        name="DPM fast",
        aliases=("k_dpm_fast",),
        function=dpm_solver.sample_dpm_fast,
        arguments=over_range,
        parameters=_ANCESTRAL,
        uses_ensd=True,
    ),
    Sampler(
        name="DPM adaptive",
        aliases=("k_dpm_ad",),
        function=dpm_solver.sample_dpm_adaptive,
        arguments=over_range,
        # From pure noise a step with fresh noise is as long as the whole run, whatever size the control proposes.
        discrete_only=True,
        parameters=_ETA,
        uses_ensd=True,
    ),
    Sampler(
        name="Restart",
        aliases=("restart",),
        function=restart.sample_restart,
        default_schedule="Karras",
        second_order=True,
        discrete_only=True,
    ),
    Sampler(
        name="DDIM",
        aliases=("ddim",),
        function=ddim.sample_ddim,
        denoiser=TimestepDenoiser,
        arguments=over_timesteps,
        discrete_only=True,
        parameters=_ETA,
    ),
    Sampler(
        name="DDIM CFG++",
        aliases=("ddim_cfgpp",),
        function=ddim.sample_ddim_cfgpp,
        denoiser=TimestepDenoiser,
        arguments=over_timesteps,
        discrete_only=True,
        parameters=_ETA,
        guidance_multiplier=1 / 12.5,
    ),
    Sampler(
        name="PLMS",
        aliases=("plms",),
        function=ddim.sample_plms,
        denoiser=TimestepDenoiser,
        arguments=over_timesteps,
        discrete_only=True,
    ),
    Sampler(
        name="UniPC",
        aliases=("unipc",),
        function=unipc.sample_unipc,
        denoiser=TimestepDenoiser,
        arguments=of_unipc,
        discrete_only=True,
    ),
    Sampler(name="LCM", aliases=("k_lcm",), function=lcm.sample_lcm, denoiser=ConsistencyDenoiser, discrete_only=True),
)

SAMPLERS: Registry[Sampler] = Registry("sampler", lambda sampler: (sampler.name, *sampler.aliases), _BUILT_IN)
"""The samplers in the order in which they are offered."""

DEFAULT_SAMPLER = SAMPLERS[0]
"""The default sampler."""


def names() -> list[str]:
    """The names of all samplers, in the order in which they are offered."""
    return SAMPLERS.names()


def find(name: str) -> Sampler | None:
    """The sampler of that name or alias, in any case, or None."""
    return SAMPLERS.find(name)


def resolve(name: str | None) -> Sampler:
    """The sampler of that name or alias; none given means the default one.

    Raises UnknownName with the nearest names.
    """
    return resolve_pair(name, None)[0]


def resolve_pair(sampler_name: str | None, scheduler_name: str | None) -> tuple[Sampler, Schedule]:
    """Sampler and schedule from two names, of which the first may hold both ("DPM++ 2M Karras").

    A schedule that is named by itself holds, be it Automatic; else the one inside of the sampler's name does. The
    schedule that is a sampler's own default comes back as Automatic. Raises UnknownName with the nearest names.
    """
    if sampler_name is None or not sampler_name.strip():
        sampler, inner = DEFAULT_SAMPLER, None
    else:
        sampler, inner = find(sampler_name), None
        if sampler is None:
            sampler, inner = split_name(sampler_name)
    named = scheduler_name is not None and scheduler_name.strip()
    schedule = schedules.resolve(scheduler_name) if named or inner is None else inner
    if schedule.label == sampler.default_schedule and sampler.default_schedule != "Uniform":
        schedule = schedules.AUTOMATIC
    return sampler, schedule


def split_name(name: str) -> tuple[Sampler, Schedule]:
    """Sampler and schedule out of one combined name. Raises UnknownName with the nearest names."""
    words = name.split()
    for cut in range(len(words) - 1, 0, -1):
        sampler, schedule = find(" ".join(words[:cut])), schedules.find(" ".join(words[cut:]))
        if sampler is not None and schedule is not None:
            return sampler, schedule
    known = [*names(), *(alias for sampler in SAMPLERS for alias in sampler.aliases)]
    raise UnknownName("sampler", name, known, "sampler_name")
