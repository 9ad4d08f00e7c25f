"""Starting, running and watching a sampler: what a pipeline calls.

    plan  = build_sigmas(sampler=..., schedule=..., steps=..., model_schedule=...)
    model = guided_model(sampler=..., unet=..., conds=..., guidance_scale=7.0, steps=plan.steps, ...)
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
from modules.sampling.conditioning import CondsAt
from modules.sampling.denoiser import ConsistencyDenoiser, Denoiser, SigmaDenoiser, TimestepDenoiser
from modules.sampling.guidance import GuidanceHooks, GuidedModel, UNet
from modules.sampling.model_schedule import ModelSchedule
from modules.sampling.noise import ImageNoise
from modules.sampling.options import SamplingOptions
from modules.sampling.plan import SigmaPlan, from_image
from modules.sampling.samplers.registry import Sampler
from modules.sampling.step import Callback, Model, SamplerStep, StepNoise
from modules.sampling.succession import Succession


def denoiser_for(sampler: Sampler, model_schedule: ModelSchedule) -> Denoiser:
    """The reading of the network that this sampler works with."""
    if sampler.lcm:
        return ConsistencyDenoiser(model_schedule)
    if sampler.space == "timesteps":
        return TimestepDenoiser(model_schedule)
    return SigmaDenoiser(model_schedule)


def guided_model(
    *,
    sampler: Sampler,
    unet: UNet,
    conds: CondsAt,
    guidance_scale: float,
    model_schedule: ModelSchedule,
    steps: int,
    options: SamplingOptions | None = None,
    image_cond: Tensor | None = None,
    image_guidance_scale: float | None = None,
    empty_prompt: Tensor | None = None,
    hooks: GuidanceHooks | None = None,
    check: Callable[[], None] | None = None,
    succession: Succession | None = None,
) -> GuidedModel:
    """The guided network for one run of `steps` steps with this sampler.

    `empty_prompt` [n, width] is needed for padding prompts of different length with the empty prompt; `image_cond`
    [B, C, H, W] goes beside the latent in models that take one, and `image_guidance_scale` says how strongly it guides
    those that edit pictures. `succession` may put another network into its place.
    """
    return GuidedModel(
        denoiser=denoiser_for(sampler, model_schedule),
        unet=unet,
        conds=conds,
        guidance_scale=guidance_scale * sampler.guidance_multiplier,
        total_calls=sampler.model_calls(steps),
        options=options,
        image_cond=image_cond,
        image_guidance_scale=image_guidance_scale,
        empty_prompt=empty_prompt,
        hooks=hooks,
        blend_before=sampler.space == "timesteps",
        check=check,
        succession=succession,
    )


def start_from_noise(
    *, sampler: Sampler, plan: SigmaPlan, noise: Tensor, options: SamplingOptions | None = None
) -> Tensor:
    """Unit noise [B, C, H, W] at the plan's first noise level. Raises RequestError for a plan without steps."""
    if plan.steps < 1:
        raise RequestError("A picture from noise needs at least 1 step. Raise the number of steps.", "steps")
    if sampler.space == "timesteps":
        return noise
    first = float(plan.sigmas[0])
    return noise * ((1 + first**2) ** 0.5 if options is not None and options.sgm_noise_multiplier else first)


def start_from_image(
    *, sampler: Sampler, plan: SigmaPlan, t_enc: int, latent: Tensor, noise: Tensor, model_schedule: ModelSchedule
) -> tuple[SigmaPlan, Tensor]:
    """The later part of a full plan, and the latent noised to where it begins.

    `t_enc` comes from `img2img_steps`.
    """
    later = from_image(plan, t_enc)
    if plan.timesteps is None:
        return later, latent + noise * float(later.sigmas[0])
    if len(plan.timesteps) == 0:
        return later, latent
    share = clean_share(plan=plan, t_enc=t_enc, model_schedule=model_schedule)
    return later, latent * share + noise * (1 - share**2) ** 0.5


def clean_share(*, plan: SigmaPlan, t_enc: int, model_schedule: ModelSchedule) -> float:
    """The factor of the clean latent where a run from an image begins: 1; for samplers over time steps sqrt(abar)."""
    if plan.timesteps is None or len(plan.timesteps) == 0:
        return 1.0
    return model_schedule.host_alphas_cumprod[int(plan.timesteps[min(t_enc, len(plan.timesteps) - 1)])] ** 0.5


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
    arguments = {**parameters_of(sampler, options), **sampler.fixed}
    arguments["noise"] = _step_noise(sampler, plan, noise, options)
    arguments["callback"] = callback or _nobody_watches
    if sampler.space == "range":
        return sampler.function(model, x, **arguments, **_sigma_range(plan, model_schedule))
    if sampler.space == "timesteps":
        assert plan.timesteps is not None
        arguments["alphas_cumprod"] = model_schedule.host_alphas_cumprod
        if sampler.name == "UniPC":
            arguments |= _unipc_arguments(plan, options)
        return sampler.function(model, x, [int(t) for t in plan.timesteps], **arguments)
    return sampler.function(model, x, [float(sigma) for sigma in plan.sigmas], **arguments)


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
    return options.eta_ddim if sampler.space == "timesteps" else options.eta_ancestral


def uses_eta_noise_seed_delta(sampler: Sampler, options: SamplingOptions) -> bool:
    """Whether the "eta noise seed delta" belongs into the picture's parameters."""
    return sampler.uses_ensd and effective_eta(sampler, options) != 0


def infotext_of(sampler: Sampler, options: SamplingOptions, *, from_image: bool = False) -> dict[str, Any]:
    """What sampler options add to the picture's parameters, beside the plan's own `infotext`.

    `options` are those of the settings, with the request's eta: churn that only a request asks for is not written down.
    """
    noted: dict[str, Any] = {}
    eta = effective_eta(sampler, options)
    if "eta" in sampler.parameters and eta != sampler.default_eta:
        noted["Eta DDIM" if sampler.space == "timesteps" else "Eta"] = eta
    labels = {"s_churn": "Sigma churn", "s_tmin": "Sigma tmin", "s_tmax": "Sigma tmax", "s_noise": "Sigma noise"}
    for name, label in labels.items():
        value = getattr(options, name)
        if name in sampler.parameters and value != getattr(SamplingOptions, name):
            noted[label] = value
    if options.sgm_noise_multiplier and sampler.space != "timesteps" and not from_image:
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


def _sigma_range(plan: SigmaPlan, model_schedule: ModelSchedule) -> dict[str, Any]:
    """The range for samplers that choose their own levels: the model's whole one, or the plan's if it starts later."""
    if plan.from_image:
        low, high = float(plan.sigmas[-2]), float(plan.sigmas[0])
    else:
        low, high = model_schedule.sigma_min, model_schedule.sigma_max
    return {"sigma_min": low, "sigma_max": high, "steps": plan.steps}


def _unipc_arguments(plan: SigmaPlan, options: SamplingOptions) -> dict[str, Any]:
    return {
        "from_image": plan.from_image,
        "variant": options.uni_pc_variant,
        "skip_type": options.uni_pc_skip_type,
        "order": options.uni_pc_order,
        "lower_order_final": options.uni_pc_lower_order_final,
    }


def _nobody_watches(event: SamplerStep) -> None:
    """The callback of a run that nobody watches."""
