"""What some models get beside the latent: pictures, encoded, and where they may change, or how deep they are."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from modules.checkpoints.depth_model import depth_input
from modules.generation.plan import BatchSlice, Plan
from modules.pipeline.model import LoadedModel
from modules.pipeline.vae import encode_moments
from modules.sampling.noise import EncodeNoise

LOWEST_NOISE = 0


def picture_input(
    plan: Plan, batch: BatchSlice, model: LoadedModel, *, pictures: Tensor | None = None, mask: Tensor | None = None
) -> Tensor | None:
    """The channels that the model's UNet takes besides the latent, [B, C, h, w]; None for a model that takes none.

    `pictures` [B, 3, H, W] in -1..1 are those that img2img starts from; a picture from nothing is grey all over.
    `mask` [B or 1, 1, H, W] is 1 where an inpainting model may paint, which without a mask is everywhere; levels
    between hide the picture in part.
    """
    match model.checkpoint.image_input:
        case "none" | "embedding":
            return None
        case "edit":
            return _to_edit(plan, batch, model, pictures)
        case "inpainting":
            return _to_inpaint(plan, batch, model, pictures, mask)
        case "depth":
            return _depth(plan, batch, model, pictures)


def picture_vectors(
    plan: Plan, batch: BatchSlice, model: LoadedModel, *, pictures: Tensor | None = None
) -> Tensor | None:
    """What unCLIP's UNet takes beside the prompt, [B, m]: CLIP's vector of each picture; None for all other models.

    Zeros mean "no picture". The vectors are noised to the lowest level, as A1111 does.
    """
    if model.checkpoint.image_input != "embedding":
        return None
    if pictures is None:
        unet: Any = model.checkpoint.unet
        width = int(unet.config.projection_class_embeddings_input_dim)
        return torch.zeros(batch.count, width, device=model.hardware.device)
    embedder = model.image_embedder
    with model.on_device(embedder.model):
        vectors = torch.cat([embedder(picture[None]) for picture in pictures])
    # The picture itself was encoded with the first numbers of its seed.
    latent = math.prod(model.checkpoint.latents.shape(plan.height, plan.width))
    noise = [EncodeNoise(seed, skip=latent).draw((1, embedder.width)) for seed in plan.seeds[batch.pictures]]
    return embedder.noised(vectors, LOWEST_NOISE, torch.cat(noise))


def _to_edit(plan: Plan, batch: BatchSlice, model: LoadedModel, pictures: Tensor | None) -> Tensor:
    """The middle of each picture's posterior, unscaled (Brooks et al. 2023); zeros mean "no picture"."""
    if pictures is None:
        shape = (batch.count, *model.checkpoint.latents.shape(plan.height, plan.width))
        return torch.zeros(shape, device=model.hardware.device)
    with model.on_device(model.checkpoint.vae):
        return torch.cat([encode_moments(picture[None], plan, model)[0] for picture in pictures])


def _depth(plan: Plan, batch: BatchSlice, model: LoadedModel, pictures: Tensor | None) -> Tensor:
    """How deep each picture is, in latent size, from -1 far away to 1 near; 0 all over where there is no picture."""
    _, rows, columns = model.checkpoint.latents.shape(plan.height, plan.width)
    if pictures is None:
        return torch.zeros(batch.count, 1, rows, columns, device=model.hardware.device)
    estimator = model.depth_model
    with model.on_device(estimator.model):
        return torch.cat([depth_input(estimator(picture[None]), (rows, columns)) for picture in pictures])


def _to_inpaint(
    plan: Plan, batch: BatchSlice, model: LoadedModel, pictures: Tensor | None, mask: Tensor | None
) -> Tensor:
    """The mask in latent size, then the latent of the picture without what the mask hides.

    The setting "Inpainting conditioning mask strength" says how much of it is hidden.
    """
    seeds = plan.seeds[batch.pictures]
    if pictures is None:
        pictures = torch.zeros(1, 3, plan.height, plan.width, device=model.hardware.device)
        # Drawn after the noise of the pictures, from the generator that the last one of them was seeded with.
        noises = [EncodeNoise(seeds[-1])] * batch.count
        shown = pictures
    else:
        mask = torch.ones_like(pictures[:1, :1]) if mask is None else mask.to(pictures)
        shown = pictures * (1 - mask * plan.settings.inpainting_mask_weight)
        # The picture itself was encoded with the first numbers of its seed.
        latent = math.prod(model.checkpoint.latents.shape(plan.height, plan.width))
        noises = [EncodeNoise(seed, skip=latent) for seed in seeds]
    with model.on_device(model.checkpoint.vae):
        moments = [encode_moments(picture[None], plan, model) for picture in shown]
    drawn = [
        mean + std * noise.draw(mean.shape).to(mean.device)
        for noise, (mean, std) in zip(noises, moments * (batch.count // len(moments)), strict=True)
    ]
    latents = model.checkpoint.latents.scaled(torch.cat(drawn))
    if mask is None:
        mask = torch.ones_like(latents[:, :1])
    small = functional.interpolate(mask, size=latents.shape[-2:]).expand(len(latents), -1, -1, -1)
    return torch.cat([small.to(latents), latents], dim=1)
