"""From names and numbers to the exact levels a run visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from modules.foundation.errors import RequestError
from modules.sampling.model_schedule import ModelSchedule
from modules.sampling.options import SamplingOptions
from modules.sampling.samplers.registry import SAMPLERS, Sampler
from modules.sampling.schedules import AUTOMATIC, Range, Schedule, resolve

_OLD_RANGE = (0.1, 10.0)
"""The range that Karras's schedule had before it was taken from the model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SigmaPlan:
    """The levels of one run, highest first, float32 on the CPU.

    `sigmas` [n + 1] are the noise levels; for samplers over time steps they describe the rising `timesteps` [n] (int64)
    and end in zero as well. `steps` is the number that was asked for and that prompts and progress are counted in; a
    list of levels may miss it by a few. `schedule` is the label of the schedule that was used. `infotext` is what it
    adds to the picture's parameters. `from_image` says that the plan is the later part of a longer one, whose levels
    are `whole`.
    """

    sigmas: Tensor
    schedule: str
    steps: int
    timesteps: Tensor | None = None
    infotext: dict[str, Any] = field(default_factory=dict[str, Any])
    from_image: bool = False
    whole: Tensor | None = None

    @property
    def span(self) -> tuple[float, float]:
        """The lowest level above zero and the highest one of the whole schedule, wherever the plan begins."""
        return _span(self.sigmas if self.whole is None else self.whole)

    @property
    def own_span(self) -> tuple[float, float]:
        """The lowest level above zero and the highest one that the run visits."""
        return _span(self.sigmas)


def _span(sigmas: Tensor) -> tuple[float, float]:
    return float(sigmas[sigmas > 0].min()), float(sigmas.max())


def build_sigmas(
    *,
    sampler: Sampler,
    schedule: Schedule | str | None,
    steps: int,
    model_schedule: ModelSchedule,
    options: SamplingOptions | None = None,
    align_your_steps: Sequence[float] | None = None,
) -> SigmaPlan:
    """The plan for a full run of `steps` steps. A plan of no steps is allowed: a run from an image may change nothing.

    `align_your_steps` are the published levels for the model's family, where there are any. Raises RequestError for a
    negative number of steps and for a sampler or schedule that cannot work with the model, UnknownName for an unknown
    schedule.
    """
    options = options or SamplingOptions()
    chosen = schedule if isinstance(schedule, Schedule) else resolve(schedule)
    if steps < 0:
        raise RequestError(f"A run cannot have {steps} steps. Set the number of steps to 1 or more.", "steps")
    check_sampler(sampler, model_schedule)
    infotext: dict[str, Any] = {}
    discard = sampler.discard_next_to_last_sigma
    if options.always_discard_next_to_last_sigma and not discard:
        discard = True
        infotext["Discard penultimate sigma"] = True
    denoiser = sampler.denoiser(model_schedule)
    timesteps = denoiser.timesteps(steps + discard if steps else 0)
    if steps == 0:
        return SigmaPlan(sigmas=torch.zeros(1), schedule=chosen.label, steps=0, timesteps=timesteps)
    if timesteps is not None:
        sigmas = torch.cat([model_schedule.sigmas[timesteps].flip(0), torch.zeros(1)])
        return SigmaPlan(sigmas=sigmas, schedule=chosen.label, steps=steps, timesteps=timesteps, infotext=infotext)
    implied = False
    if chosen.function is None:
        chosen = resolve(model_schedule.automatic or sampler.default_schedule)
        implied = chosen.label == "Uniform"
    bounds = _range(
        chosen,
        steps + discard,
        model=denoiser.schedule,
        options=options,
        align_your_steps=align_your_steps,
        infotext={} if implied else infotext,
    )
    assert chosen.function is not None
    sigmas = chosen.function(bounds).float()
    if discard:
        sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
    label = AUTOMATIC.label if implied else chosen.label
    return SigmaPlan(sigmas=sigmas, schedule=label, steps=steps, infotext=infotext)


def check_sampler(sampler: Sampler, model_schedule: ModelSchedule) -> None:
    """Raise RequestError, naming samplers that can, where a sampler cannot work with a model."""
    if not sampler.discrete_only or model_schedule.parameterisation.is_discrete:
        return
    others = ", ".join(each.name for each in SAMPLERS if not each.discrete_only)
    raise RequestError(
        f"{sampler.name} cannot sample this model, which was trained on rectified flow. Choose one of {others}.",
        "sampler_name",
    )


def _range(
    schedule: Schedule,
    steps: int,
    *,
    model: ModelSchedule,
    options: SamplingOptions,
    align_your_steps: Sequence[float] | None,
    infotext: dict[str, Any],
) -> Range:
    """The schedule's range and shape after the user's wishes, which are noted in `infotext`."""
    infotext["Schedule type"] = schedule.label
    low, high = model.sigma_min, model.sigma_max
    if options.use_old_karras_scheduler_sigmas and model.parameterisation.is_discrete:
        low, high = _OLD_RANGE
    if options.sigma_min not in (0, model.sigma_min):
        low = infotext["Schedule min sigma"] = options.sigma_min
    if options.sigma_max not in (0, model.sigma_max):
        high = infotext["Schedule max sigma"] = min(options.sigma_max, model.parameterisation.highest)
    rho = schedule.default_rho or 0.0
    if schedule.default_rho is not None and options.rho not in (0, schedule.default_rho):
        rho = infotext["Schedule rho"] = options.rho
    if schedule.name == "beta":
        infotext["Beta schedule alpha"] = options.beta_dist_alpha
        infotext["Beta schedule beta"] = options.beta_dist_beta
    return Range(
        steps=steps,
        sigma_min=low,
        sigma_max=high,
        rho=rho,
        model=model,
        options=options,
        align_your_steps=align_your_steps,
    )


def img2img_steps(
    *, steps: int, denoising_strength: float, fix_steps: bool = False, prescribed: int | None = None
) -> tuple[int, int]:
    """How long the schedule of a run from an image is, and `t_enc`; t_enc + 1 of its steps are done.

    Usually `steps` is the length of the whole schedule, of which the strength picks a part. With `fix_steps` exactly
    `steps`, and with `prescribed` (a second pass) exactly that many are done, on a schedule as much longer.
    """
    strength = min(denoising_strength, 0.999)
    if fix_steps or prescribed is not None:
        wanted = steps if prescribed is None else prescribed
        return (int(wanted / strength) if strength > 0 else 0), wanted - 1
    return steps, int(strength * steps)


def from_image(plan: SigmaPlan, t_enc: int) -> SigmaPlan:
    """The last t_enc + 1 steps of a plan, for a run that starts from an image (t_enc time steps, as DDIM counts)."""
    steps = min(t_enc + 1, plan.steps)
    if plan.timesteps is not None:
        timesteps, sigmas = plan.timesteps[:t_enc], plan.sigmas[-(t_enc + 1) :]
    else:
        timesteps, sigmas = None, plan.sigmas[max(plan.steps - t_enc - 1, 0) :]
    return replace(plan, steps=steps, timesteps=timesteps, sigmas=sigmas, from_image=True, whole=plan.sigmas)
