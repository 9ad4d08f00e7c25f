"""hires: from the first pass of hires fix to the beginning of the second."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.checkpoints.architectures.family import Family
from modules.foundation.errors import RequestError
from modules.generation.plan import BatchSlice, HiresPlan
from modules.imaging.resize import flatten, resize
from modules.pipeline.decode import decode
from modules.pipeline.model import LoadedModel
from modules.pipeline.picture_input import picture_input, picture_vectors
from modules.pipeline.save_intermediate import save_intermediate
from modules.pipeline.start import Start, encode_pictures, start_from_latents
from modules.pipeline.state import PassResult, PassState, RunState
from modules.pipeline.vae import decode_latent
from modules.sampling.latent_upscale import crop_latents, upscale_latents


@dataclass(frozen=True, kw_only=True, eq=False)
class Enlarged:
    """What the second pass begins with: latents [B, C, h, w], or pictures that it has to encode."""

    latents: Tensor | None = None
    pictures: tuple[Image.Image, ...] = ()
    family: Family | None = None


def enlarged(state: RunState, batch: BatchSlice, hires: HiresPlan, first: PassResult | None) -> Enlarged:
    """The result of the first pass at the target's size.

    Latents stay on the device; an upscaler of pictures works on the decoded 8-bit picture, as in A1111.
    """
    model = state.model if first is None else first.model
    before = _first_pictures(state, batch, hires, first, model)
    if hires.latent_mode is not None:
        if first is not None and first.latents is not None:
            latents = first.latents.samples
        else:
            latents = encode_pictures(_to_tensor(before, model), state.plan, batch, model)
        rows, columns = model.checkpoint.latents.cells(hires.target[1], hires.target[0])
        larger = upscale_latents(latents, rows, columns, hires.latent_mode)
        return Enlarged(latents=larger, family=model.checkpoint.family)
    upscale = state.engine.upscalers.enlarger(hires.upscaler, state.plan.settings, state.control)
    return Enlarged(pictures=tuple(resize(picture, *hires.target, upscale=upscale) for picture in before))


def start_second(state: RunState, again: PassState, larger: Enlarged) -> Start:
    """The enlarged latents, cropped and noised to where the second pass begins."""
    plan, batch, model = again.plan, again.batch, again.model
    pictures = _to_tensor(larger.pictures, model) if larger.pictures else None
    if larger.latents is None:
        assert pictures is not None
        latents = encode_pictures(pictures, plan, batch, model)
    else:
        _check_same_latents(larger.family, model)
        latents = larger.latents
    image_cond, vectors = _picture_input(again, pictures, latents)
    wanted_rows, wanted_columns = model.checkpoint.latents.cells(plan.height, plan.width)
    rows, columns = max(latents.shape[-2] - wanted_rows, 0), max(latents.shape[-1] - wanted_columns, 0)
    if image_cond is not None and image_cond.shape[-2:] == latents.shape[-2:]:
        image_cond = crop_latents(image_cond, columns, rows)
    begun = start_from_latents(
        plan,
        batch,
        model,
        crop_latents(latents, columns, rows),
        image_cond=image_cond,
        prescribed=plan.steps,
        change_extra_noise=again.changed_extra_noise(state.engine.hooks),
    )
    return replace(begun, picture_vectors=vectors)


def _first_pictures(
    state: RunState, batch: BatchSlice, hires: HiresPlan, first: PassResult | None, model: LoadedModel
) -> list[Image.Image]:
    """The pictures before the pass, where they are needed; saved where the settings say so."""
    if first is None or first.latents is None:
        assert hires.first_picture is not None
        multiple = model.checkpoint.latents.pixels if hires.latent_mode is not None else 1
        return [_fitting(flatten(hires.first_picture), multiple)] * batch.count
    wanted = state.plan.settings.save_images_before_highres_fix and state.plan.save_images
    if hires.latent_mode is not None and not wanted:
        return []
    pictures = decode(first.latents, state.plan, model)
    if wanted:
        for index, picture in enumerate(pictures, batch.first):
            save_intermediate(state, picture, index, first, suffix="-before-highres-fix")
    return pictures


def _fitting(picture: Image.Image, multiple: int) -> Image.Image:
    """A picture whose sides are multiples of so many pixels, so that a VAE can encode it as it is."""
    width, height = (max(side // multiple * multiple, multiple) for side in picture.size)
    return picture if multiple == 1 else resize(picture, width, height)


def _to_tensor(pictures: list[Image.Image] | tuple[Image.Image, ...], model: LoadedModel) -> Tensor:
    """[B, 3, H, W] in -1..1."""
    pixels = torch.from_numpy(np.stack([np.asarray(picture, dtype=np.float32) for picture in pictures]))
    return (pixels.permute(0, 3, 1, 2) / 127.5 - 1).to(model.hardware.device)


def _picture_input(again: PassState, pictures: Tensor | None, latents: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """What models that take a picture get: that from the first pass, or where all of it is hidden, grey.

    Beside the latent and beside the prompt.
    """
    plan, model = again.plan, again.model
    hidden = model.checkpoint.image_input == "inpainting" and plan.settings.inpainting_mask_weight >= 1
    if pictures is None and not hidden and model.checkpoint.image_input != "none":
        with model.on_device(model.checkpoint.vae):
            pictures = torch.cat([decode_latent(latent[None], plan, model) for latent in latents])
    beside_latent = picture_input(plan, again.batch, model, pictures=pictures)
    return beside_latent, picture_vectors(plan, again.batch, model, pictures=pictures)


def _check_same_latents(family: Family | None, model: LoadedModel) -> None:
    """Latents cannot go from one family of models to another; pictures can."""
    if family is not None and family.latents != model.checkpoint.family.latents:
        raise RequestError(
            f"The latents of {family} cannot be upscaled for {model.checkpoint.info.name}, which is "
            f"{model.checkpoint.family}. Choose an upscaler that is not called Latent, or another hires checkpoint.",
            "hr_upscaler",
        )
