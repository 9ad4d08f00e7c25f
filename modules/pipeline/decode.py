"""decode: latents become pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from PIL import Image
from torch import Tensor

from modules.foundation.errors import EaselError
from modules.generation.latents import Latents, Samples
from modules.generation.plan import Plan
from modules.pipeline.model import LoadedModel
from modules.pipeline.vae import decode_latent


def pictures_of(
    samples: Samples, plan: Plan, model: LoadedModel, change: Callable[[Tensor], Tensor] | None = None
) -> list[Image.Image]:
    """The pictures of what sampling gave, decoded unless they are already. Raises as `decode`."""
    if samples.pixels is None:
        assert samples.latents is not None
        return decode(samples.latents, plan, model, change)
    pixels = _unit(samples.pixels)
    return [_quantised(each.clamp(0, 1)) for each in (pixels if change is None else change(pixels))]


def decode(
    latents: Latents, plan: Plan, model: LoadedModel, change: Callable[[Tensor], Tensor] | None = None
) -> list[Image.Image]:
    """The pictures of latents.

    `change` gets the pixels of all of them [B, 3, H, W] in 0..1, and what it returns is shown.
    Raises EaselError when the latents are NaN, or when the decoder's answer is, in whatever number type.
    """
    decoded = decoded_pixels(latents, plan, model)
    if change is None:
        return [to_picture(pixels) for pixels in decoded]
    changed = change(torch.stack([_unit(pixels) for pixels in decoded]))
    return [_quantised(pixels.clamp(0, 1)) for pixels in changed]


def decoded_pixels(latents: Latents, plan: Plan, model: LoadedModel) -> Iterator[Tensor]:
    """Pixels [3, H, W] in -1..1, one picture at a time.

    A batch would need a batch's memory, and the VAE keeps the device busy anyway. Raises as `decode`.
    """
    if bool(latents.samples.isnan().any()):
        raise EaselError(
            "The model's UNet gave NaN, so there is no picture. Start with --no-half, or try another checkpoint."
        )
    with model.on_device(model.checkpoint.vae):
        for sample in latents.samples:
            yield decode_latent(sample[None], plan, model)[0]


def to_picture(pixels: Tensor) -> Image.Image:
    """A picture from pixels [3, H, W] in -1..1. Levels are rounded towards zero, as in A1111."""
    return _quantised(_unit(pixels))


def _unit(pixels: Tensor) -> Tensor:
    return ((pixels + 1) / 2).clamp(0, 1)


def _quantised(pixels: Tensor) -> Image.Image:
    levels = pixels.mul(255).to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().cpu().numpy())
