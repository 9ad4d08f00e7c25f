"""Starting, running and watching a sampler: what a pipeline calls.

    plan  = build_sigmas(sampler=..., schedule=..., steps=..., model_schedule=...)
    model = guided_model(network, sampler=..., guidance_scale=7.0, steps=plan.steps, ...)
    x     = start_from_noise(sampler=..., plan=plan, noise=image_noise.initial())
    x     = sample(sampler=..., plan=plan, model=model, x=x, noise=image_noise, ...)

The coefficients of all steps are worked out on the host before the first one; nothing in a loop waits for the device,
except in DPM adaptive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from modules.foundation.errors import RequestError
from modules.sampling.arguments import SamplerRun
from modules.sampling.classifier_free_guidance import GuidedModel
from modules.sampling.guidance_hooks import GuidanceHooks
from modules.sampling.model_schedule import ModelSchedule
from modules.sampling.network import ConditionedNetwork
from modules.sampling.noise import ImageNoise
from modules.sampling.options import SamplingOptions
from modules.sampling.plan import SigmaPlan, from_image
from modules.sampling.refiner_switch import RefinerSwitch
from modules.sampling.samplers.registry import Sampler
from modules.sampling.step import Callback, Model, SamplerStep, StepNoise


def guided_model(
    network: ConditionedNetwork,
    *,
    sampler: Sampler,
    guidance_scale: float,
    steps: int,
    options: SamplingOptions | None = None,
    hooks: GuidanceHooks | None = None,
    check: Callable[[], None] | None = None,
    refiner_switch: RefinerSwitch | None = None,
) -> GuidedModel:
    """The guided network for one run of `steps` steps with this sampler.

    `refiner_switch` may put another network into its place.
    """
    return GuidedModel(
        network,
        denoiser=sampler.denoiser,
        guidance_scale=guidance_scale * sampler.guidance_multiplier,
        total_calls=sampler.model_calls(steps),
        options=options,
        hooks=hooks,
        check=check,
        refiner_switch=refiner_switch,
    )


def start_from_noise(
    *,
    sampler: Sampler,
    plan: SigmaPlan,
    noise: Tensor,
    model_schedule: ModelSchedule,
    options: SamplingOptions | None = None,
) -> Tensor:
    """Unit noise [B, C, H, W] at the plan's first noise level. Raises RequestError for a plan without steps."""
    if plan.steps < 1:
        raise RequestError("A picture from noise needs at least 1 step. Raise the number of steps.", "steps")
    data_variance = options is not None and options.sgm_noise_multiplier
    return sampler.denoiser(model_schedule).first(noise, plan, data_variance=data_variance)


def start_from_image(
    *, sampler: Sampler, plan: SigmaPlan, t_enc: int, latent: Tensor, noise: Tensor, model_schedule: ModelSchedule
) -> tuple[SigmaPlan, Tensor]:
    """The later part of a full plan, and the latent noised to where it begins.

    `t_enc` comes from `img2img_steps`.
    """
    later = from_image(plan, t_enc)
    return later, sampler.denoiser(model_schedule).noised(latent, noise, plan, later, t_enc)


def clean_share(*, sampler: Sampler, plan: SigmaPlan, t_enc: int, model_schedule: ModelSchedule) -> float:
    """The factor of the clean latent where a run from an image begins."""
    return sampler.denoiser(model_schedule).clean_share(plan, t_enc)


def sample(
    *,
    sampler: Sampler,
    plan: SigmaPlan,
    model: Model,
    x: Tensor,
    noise: ImageNoise,
    model_schedule: ModelSchedule,
    options: SamplingOptions | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Run the sampler from `x` [B, C, H, W] to the end of the plan; the finished latent.

    `noise` must have given the initial noise already. `callback` is called once a step; an exception that it raises
    (`Interrupted`) ends the run and passes through.
    """
    if plan.steps == 0:
        return x
    options = options or SamplingOptions()
    run = SamplerRun(plan=plan, schedule=model_schedule, options=options)
    return sampler.function(
        model,
        x,
        **parameters_of(sampler, options),
        **sampler.fixed,
        **sampler.arguments(run),
        noise=_step_noise(sampler, plan, noise, options),
        callback=callback or _unwatched,
    )


def parameters_of(sampler: Sampler, options: SamplingOptions) -> dict[str, float]:
    """The options that this sampler takes, as its function's arguments."""
    values = {
        "eta": effective_eta(sampler, options),
        "s_churn": options.s_churn,
        "s_tmin": options.s_tmin,
        "s_tmax": options.s_tmax or float("inf"),
        "s_noise": options.s_noise,
    }
    return {name: value for name, value in values.items() if name in sampler.parameters}


def effective_eta(sampler: Sampler, options: SamplingOptions) -> float:
    """The request's eta, or the setting for this kind of sampler."""
    if options.eta is not None:
        return options.eta
    return float(getattr(options, sampler.denoiser.eta_option))


def uses_eta_noise_seed_delta(sampler: Sampler, options: SamplingOptions) -> bool:
    """Whether the "eta noise seed delta" belongs into the picture's parameters."""
    return sampler.uses_ensd and effective_eta(sampler, options) != 0


def infotext_of(sampler: Sampler, options: SamplingOptions, *, from_image: bool = False) -> dict[str, Any]:
    """What sampler options add to the picture's parameters, beside the plan's own `infotext`.

    `options` are those of the settings, with the request's eta: churn that only a request asks for is not written down.
    """
    noted: dict[str, Any] = {}
    eta = effective_eta(sampler, options)
    if "eta" in sampler.parameters and eta != sampler.denoiser.default_eta:
        noted[sampler.denoiser.eta_label] = eta
    labels = {"s_churn": "Sigma churn", "s_tmin": "Sigma tmin", "s_tmax": "Sigma tmax", "s_noise": "Sigma noise"}
    for name, label in labels.items():
        value = getattr(options, name)
        if name in sampler.parameters and value != getattr(SamplingOptions, name):
            noted[label] = value
    if options.sgm_noise_multiplier and sampler.denoiser.scales_noise and not from_image:
        noted["SGM noise multiplier"] = True
    return noted


class _AncestralNoise:
    """Each image's own stream, whatever the step."""

    def __init__(self, noise: ImageNoise) -> None:
        self._noise = noise

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        return self._noise.next()

    def image(self, index: int) -> _AncestralNoise:
        return _AncestralNoise(self._noise.image(index))


def _step_noise(sampler: Sampler, plan: SigmaPlan, noise: ImageNoise, options: SamplingOptions) -> StepNoise:
    if not sampler.brownian_noise:
        return _AncestralNoise(noise)
    whole_batch = options.no_dpmpp_sde_batch_determinism
    # The path spans the whole schedule, so that a run that begins later walks the same one; the old way did not.
    return noise.brownian(*(plan.own_span if whole_batch else plan.span), whole_batch=whole_batch)


def _unwatched(event: SamplerStep) -> None:
    """The callback of a run that nothing watches."""
