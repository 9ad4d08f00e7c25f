"""Analytic stand-ins for trained networks: the exact answers for data whose distribution is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.sampling.classifier_free_guidance import GuidedModel
from modules.sampling.conditioning import Cond, CondBatch, StepConds
from modules.sampling.guidance_hooks import GuidanceHooks
from modules.sampling.loop import guided_model, sample, start_from_noise
from modules.sampling.model_schedule import ModelSchedule, scaled_linear_alphas_cumprod
from modules.sampling.network import ConditionedNetwork
from modules.sampling.noise import ImageNoise
from modules.sampling.options import SamplingOptions
from modules.sampling.plan import build_sigmas
from modules.sampling.samplers import Sampler
from modules.sampling.step import Callback

SCHEDULE = ModelSchedule.of(scaled_linear_alphas_cumprod())


@dataclass(frozen=True, kw_only=True)
class MixtureUNet:
    """The perfect noise (or v) prediction for data that is `centre + offset` or `centre - offset`, each with `spread`.

    The first number of a prompt's tokens is the centre, so that conditioning matters; the prediction is curved in x.
    """

    offset: float = 0.7
    spread: float = 0.4
    schedule: ModelSchedule = SCHEDULE

    def __call__(self, x: Tensor, t: Tensor, cond: CondBatch) -> Tensor:
        # The level is read off the same float32 map that the callers use, row by row.
        sigma = self.schedule.t_to_sigma(t).double()[:, None, None, None]
        noisy = x.double() * (sigma**2 + 1).sqrt()
        denoised = self.denoised(noisy, sigma, cond.tokens[:, 0, 0].double()[:, None, None, None])
        eps = (noisy - denoised) / sigma
        if self.schedule.prediction == "epsilon":
            return eps.float()
        return ((eps - sigma * denoised) / (sigma**2 + 1).sqrt()).float()

    def denoised(self, x: Tensor, sigma: Tensor, centre: Tensor) -> Tensor:
        variance = self.spread**2 + sigma**2
        lean = torch.tanh((x - centre) * self.offset / variance)
        mean = centre + self.offset * lean
        return mean + self.spread**2 / variance * (x - mean)


def prompt(centre: float, *, length: int = 3) -> Cond:
    return Cond(tokens=torch.full((length, 2), centre))


def conds(centres: Sequence[float], *, negative: float = 0.0) -> StepConds:
    return StepConds(
        positive=tuple(((prompt(centre), 1.0),) for centre in centres), negative=(prompt(negative),) * len(centres)
    )


def run(
    sampler: Sampler,
    seeds: Sequence[int],
    centres: Sequence[float],
    *,
    steps: int = 10,
    schedule: str | None = None,
    shape: tuple[int, int, int] = (4, 8, 8),
    guidance_scale: float = 3.0,
    unet: MixtureUNet | None = None,
    options: SamplingOptions | None = None,
    callback: Callback | None = None,
    hooks: GuidanceHooks | None = None,
) -> Tensor:
    """One whole run on the analytic network, the way a pipeline makes it."""
    unet = unet or MixtureUNet()
    model_schedule = unet.schedule
    held = conds(centres)
    plan = build_sigmas(sampler=sampler, schedule=schedule, steps=steps, model_schedule=model_schedule, options=options)
    model: GuidedModel = guided_model(
        ConditionedNetwork(predict=unet, schedule=model_schedule, conds=lambda call: held),
        sampler=sampler,
        guidance_scale=guidance_scale,
        steps=steps,
        options=options,
        hooks=hooks,
    )
    noise = ImageNoise(shape=shape, seeds=seeds)
    x = start_from_noise(
        sampler=sampler, plan=plan, noise=noise.initial(), model_schedule=model_schedule, options=options
    )
    return sample(
        sampler=sampler,
        plan=plan,
        model=model,
        x=x,
        noise=noise,
        model_schedule=model_schedule,
        options=options,
        callback=callback,
    )
