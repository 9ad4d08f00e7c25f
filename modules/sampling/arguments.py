"""What the samplers' functions are called with besides the latent, noise, callback and the user's options.

A `Sampler` names the one of these functions that its own function is called with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modules.sampling.model_schedule import ModelSchedule
    from modules.sampling.options import SamplingOptions
    from modules.sampling.plan import SigmaPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class SamplerRun:
    """One run: the levels that it visits, those that the model knows, and the options."""

    plan: SigmaPlan
    schedule: ModelSchedule
    options: SamplingOptions


Arguments = Callable[[SamplerRun], dict[str, Any]]


def over_levels(run: SamplerRun) -> dict[str, Any]:
    """The list of noise levels."""
    return {"sigmas": [float(sigma) for sigma in run.plan.sigmas]}


def over_levels_with_noise(run: SamplerRun) -> dict[str, Any]:
    """The list of noise levels, and how noise is added to the model's latents."""
    return {**over_levels(run), "parameterisation": run.schedule.parameterisation}


def over_range(run: SamplerRun) -> dict[str, Any]:
    """The range for samplers that choose their own levels: the model's whole one, or the plan's if it starts later."""
    plan, schedule = run.plan, run.schedule
    low, high = schedule.sigma_min, schedule.sigma_max
    if plan.from_image:
        low, high = float(plan.sigmas[-2]), float(plan.sigmas[0])
    return {
        "sigma_min": low,
        "sigma_max": high,
        "steps": plan.steps,
        "parameterisation": schedule.parameterisation,
    }


def over_timesteps(run: SamplerRun) -> dict[str, Any]:
    """The rising list of time steps, and the products that say how much noise there is at each."""
    assert run.plan.timesteps is not None
    return {
        "timesteps": [int(t) for t in run.plan.timesteps],
        "alphas_cumprod": run.schedule.host_alphas_cumprod,
    }


def of_unipc(run: SamplerRun) -> dict[str, Any]:
    """The time steps, and what the user set of UniPC."""
    options = run.options
    return {
        **over_timesteps(run),
        "from_image": run.plan.from_image,
        "variant": options.uni_pc_variant,
        "skip_type": options.uni_pc_skip_type,
        "order": options.uni_pc_order,
        "lower_order_final": options.uni_pc_lower_order_final,
    }
