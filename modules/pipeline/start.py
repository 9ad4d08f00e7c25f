"""start: the latents that sampling begins with, and the levels it will visit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from modules.generation.latents import ExtraNoise, Latents
from modules.generation.plan import BatchSlice, Plan
from modules.pipeline.inpaint import blend_of, latent_masks, masked_content, pixel_masks
from modules.pipeline.model import LoadedModel
from modules.pipeline.picture_input import picture_input, picture_vectors
from modules.pipeline.vae import encode_moments
from modules.sampling.inpainting import Blend
from modules.sampling.loop import clean_share, start_from_image, start_from_noise
from modules.sampling.model_schedule import ModelSchedule, downcast_alphas_cumprod, rescale_zero_terminal_snr
from modules.sampling.noise import EncodeNoise, ImageNoise
from modules.sampling.plan import SigmaPlan, build_sigmas, img2img_steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Everything that sampling one batch begins with. `noise` has given `unit_noise` and goes on from there.

    `image_cond` is what some models get beside the latent and `picture_vectors` [B, m] what unCLIP's get beside the
    prompt; `blend` keeps what is not inpainted.
    """

    latents: Latents
    sigmas: SigmaPlan
    schedule: ModelSchedule
    noise: ImageNoise
    unit_noise: Tensor
    image_cond: Tensor | None = None
    picture_vectors: Tensor | None = None
    blend: Blend | None = None


ChangeExtraNoise = Callable[[ExtraNoise], ExtraNoise]


def start(plan: Plan, batch: BatchSlice, model: LoadedModel, change_extra_noise: ChangeExtraNoise) -> Start:
    """Draw the noise of a batch; for img2img encode its pictures and noise them.

    `change_extra_noise` is asked about the noise that the setting for extra noise adds.
    """
    if plan.is_img2img:
        return _from_pictures(plan, batch, model, change_extra_noise)
    schedule = model_schedule(plan, model)
    noise = image_noise(plan, batch, model)
    sigmas = schedule_sigmas(plan, plan.steps, schedule, model)
    initial = noise.initial()
    x = start_from_noise(
        sampler=plan.sampler, plan=sigmas, noise=initial, model_schedule=schedule, options=plan.options
    )
    return Start(
        latents=Latents(samples=x),
        sigmas=sigmas,
        schedule=schedule,
        noise=noise,
        unit_noise=initial,
        image_cond=picture_input(plan, batch, model),
        picture_vectors=picture_vectors(plan, batch, model),
    )


def first_latents(plan: Plan, batch: BatchSlice, model: LoadedModel) -> Tensor:
    """The latents [B, C, h, w] of a batch's pictures, to which noise is added."""
    latents = encode_pictures(_pictures(plan, batch, model), plan, batch, model)
    if plan.inpaint is None:
        return latents
    return masked_content(latents, latent_masks(plan.inpaint, batch, latents), plan, batch, model)


def _from_pictures(plan: Plan, batch: BatchSlice, model: LoadedModel, change_extra_noise: ChangeExtraNoise) -> Start:
    pictures = _pictures(plan, batch, model)
    latents, blend, image_cond, vectors = encode_pictures(pictures, plan, batch, model), None, None, None
    if plan.inpaint is not None:
        masks = latent_masks(plan.inpaint, batch, latents)
        latents = masked_content(latents, masks, plan, batch, model)
        blend = blend_of(latents, masks, plan.inpaint)
    if model.checkpoint.image_input != "none":
        hidden = None if plan.inpaint is None else pixel_masks(plan.inpaint, batch)
        shown = torch.stack([_at_size(picture, plan) for picture in pictures])
        image_cond = picture_input(plan, batch, model, pictures=shown, mask=hidden)
        vectors = picture_vectors(plan, batch, model, pictures=shown)
    begin = start_from_latents(
        plan, batch, model, latents, image_cond=image_cond, change_extra_noise=change_extra_noise
    )
    return replace(begin, blend=blend, picture_vectors=vectors)


def start_from_latents(
    plan: Plan,
    batch: BatchSlice,
    model: LoadedModel,
    latents: Tensor,
    *,
    image_cond: Tensor | None = None,
    prescribed: int | None = None,
    change_extra_noise: ChangeExtraNoise,
) -> Start:
    """Noise the latents [B, C, h, w] of pictures as much as the plan's denoising strength says.

    With `prescribed` exactly that many steps are done; at a strength of 0 that is none.
    """
    assert plan.denoising_strength is not None
    schedule = model_schedule(plan, model)
    noise = image_noise(plan, batch, model)
    initial = noise.initial() * plan.noise_multiplier
    steps, t_enc = img2img_steps(
        steps=plan.steps,
        denoising_strength=plan.denoising_strength,
        fix_steps=plan.settings.img2img_fix_steps,
        prescribed=prescribed,
    )
    if prescribed is not None and steps == 0:
        sigmas, x = schedule_sigmas(plan, 0, schedule, model), latents
    else:
        whole = schedule_sigmas(plan, max(steps, 1), schedule, model)
        sigmas, x = start_from_image(
            sampler=plan.sampler, plan=whole, t_enc=t_enc, latent=latents, noise=initial, model_schedule=schedule
        )
        if amount := plan.settings.img2img_extra_noise:
            extra = change_extra_noise(ExtraNoise(noise=initial, clean=latents, noised=x))
            x = x + extra.noise * (
                amount * clean_share(sampler=plan.sampler, plan=whole, t_enc=t_enc, model_schedule=schedule)
            )
    return Start(
        latents=Latents(samples=x),
        sigmas=sigmas,
        schedule=schedule,
        noise=noise,
        unit_noise=initial,
        image_cond=image_cond,
    )


def model_schedule(plan: Plan, model: LoadedModel) -> ModelSchedule:
    """The model's own noise levels, as the settings want them changed."""
    schedule = model.schedule
    if not schedule.parameterisation.is_discrete:
        # These settings are about the numbered time steps of discrete models.
        return schedule
    if plan.settings.enable_quantization:
        schedule = replace(schedule, quantize=True)
    if plan.settings.use_downcasted_alpha_bar:
        schedule = downcast_alphas_cumprod(schedule)
    if plan.settings.sd_noise_schedule == "Zero Terminal SNR":
        schedule = rescale_zero_terminal_snr(schedule)
    return schedule


def image_noise(plan: Plan, batch: BatchSlice, model: LoadedModel) -> ImageNoise:
    """All random numbers of a batch."""
    space = model.checkpoint.latents
    return ImageNoise(
        shape=space.shape(plan.height, plan.width),
        seeds=plan.seeds[batch.pictures],
        subseeds=plan.subseeds[batch.pictures],
        subseed_strength=plan.subseed_strength,
        seed_resize_from=space.cells(*plan.seed_resize_from),
        source=plan.settings.randn_source,
        device=model.hardware.device,
        eta_noise_seed_delta=plan.settings.eta_noise_seed_delta,
    )


def schedule_sigmas(plan: Plan, steps: int, schedule: ModelSchedule, model: LoadedModel) -> SigmaPlan:
    """The levels of the plan's sampler and schedule over so many steps."""
    return build_sigmas(
        sampler=plan.sampler,
        schedule=plan.schedule,
        steps=steps,
        model_schedule=schedule,
        options=plan.options,
        align_your_steps=model.checkpoint.family.align_your_steps,
    )


def _pictures(plan: Plan, batch: BatchSlice, model: LoadedModel) -> list[Tensor]:
    """The batch's pictures, each [3, H, W] in -1..1; the same tensor where it is the same picture."""
    known: dict[int, Tensor] = {}
    for picture in plan.init_images[batch.pictures]:
        if id(picture) not in known:
            pixels = torch.from_numpy(np.array(picture, dtype=np.float32)).permute(2, 0, 1)
            known[id(picture)] = (pixels / 127.5 - 1).to(model.hardware.device)
    return [known[id(picture)] for picture in plan.init_images[batch.pictures]]


def encode_pictures(pictures: Iterable[Tensor], plan: Plan, batch: BatchSlice, model: LoadedModel) -> Tensor:
    """Pictures [3, H, W] as scaled latents [B, C, h, w], each sampled from its posterior with noise of its own seed.

    They are brought to the plan's size where that is to be done with latents; the same tensor is encoded once.
    """
    pictures = list(pictures)
    moments: dict[int, tuple[Tensor, Tensor]] = {}
    latents: list[Tensor] = []
    with model.on_device(model.checkpoint.vae):
        for picture, seed in zip(pictures, plan.seeds[batch.pictures], strict=True):
            if id(picture) not in moments:
                moments[id(picture)] = encode_moments(picture[None], plan, model)
            mean, std = moments[id(picture)]
            latents.append(mean + std * EncodeNoise(seed).draw(mean.shape).to(mean.device))
    if plan.resizes_latents:
        size = model.checkpoint.latents.cells(plan.height, plan.width)
        latents = [functional.interpolate(latent, size=size, mode="bilinear") for latent in latents]
    return model.checkpoint.latents.scaled(torch.cat(latents))


def _at_size(picture: Tensor, plan: Plan) -> Tensor:
    size = (plan.height, plan.width)
    if picture.shape[-2:] == size:
        return picture
    return functional.interpolate(picture[None], size=size, mode="bilinear")[0]
