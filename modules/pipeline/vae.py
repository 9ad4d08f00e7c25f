"""vae: one picture through a VAE, whatever the memory and the number type allow.

A VAE that would need more memory than there is works in bands, one that gives NaN is asked again in another number
type, and TAESD takes its place where the settings want that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from modules.foundation.errors import EaselError
from modules.generation.plan import Plan
from modules.hardware.memory import free_bytes, release
from modules.hardware.tiled_vae import decode_in_bands, encode_in_bands, whole_bytes, workshop_for
from modules.pipeline.hypertile import Tiles, tiled_vae
from modules.pipeline.model import LoadedModel
from modules.settings.model import Settings

log = logging.getLogger(__name__)

SHARE = 0.8
"""How much of the free memory a VAE may plan to take."""


def decode_latent(latent: Tensor, plan: Plan, model: LoadedModel) -> Tensor:
    """A scaled latent [1, C, h, w] -> its picture [1, 3, H, W], float32, about -1..1. The VAE is on the device.

    Raises EaselError when the answer is NaN in every number type that the settings allow.
    """
    if plan.settings.sd_vae_decode_method == "TAESD":
        if (tiny := model.small_vae("decoder")) is not None:
            return tiny(latent)
        model.remark(f"{model.small_vae_missing('decoder')} The VAE itself was used.")
    space = model.checkpoint.latents
    height, width = (space.pixels * side for side in latent.shape[-2:])

    tiles = Tiles.of_vae(plan.settings, plan.seeds[0], (width, height), space.pixels)

    def whole() -> Tensor:
        with tiled_vae(model.checkpoint.vae, tiles):
            return model.decode(latent)

    def banded() -> Tensor:
        unscaled = space.unscaled(latent).to(model.checkpoint.vae.dtype)
        workshop = workshop_for(model.checkpoint.vae, model.hardware.device, height, width, decoding=True)
        return decode_in_bands(model.checkpoint.vae, unscaled, workshop).float()

    need = _memory_of(model.checkpoint.vae.decoder, whole_bytes(model.checkpoint.vae, height, width, decoding=True))
    return _without_nan(lambda: _fitting(whole, banded, need, plan.settings, model), plan.settings, model)


def encode_moments(picture: Tensor, plan: Plan, model: LoadedModel) -> tuple[Tensor, Tensor]:
    """A picture [1, 3, H, W] in -1..1 -> mean and standard deviation of its latent [1, C, h, w], float32, unscaled.

    TAESD knows no deviation. Raises EaselError when the answer is NaN in every number type that the settings allow.
    """
    if plan.settings.sd_vae_encode_method == "TAESD":
        if (tiny := model.small_vae("encoder")) is not None:
            mean = model.checkpoint.latents.unscaled(tiny(picture))
            return mean, torch.zeros_like(mean)
        model.remark(f"{model.small_vae_missing('encoder')} The VAE itself was used.")
    height, width = picture.shape[-2:]

    tiles = Tiles.of_vae(plan.settings, plan.seeds[0], (width, height), model.checkpoint.latents.pixels)

    def whole() -> Tensor:
        with tiled_vae(model.checkpoint.vae, tiles):
            return torch.cat(model.encode_moments(picture), dim=1)

    def banded() -> Tensor:
        workshop = workshop_for(model.checkpoint.vae, model.hardware.device, height, width, decoding=False)
        made = encode_in_bands(model.checkpoint.vae, picture.to(model.checkpoint.vae.dtype), workshop)
        mean, log_variance = made.float().chunk(2, dim=1)
        return torch.cat([mean, (log_variance.clamp(-30, 20) / 2).exp()], dim=1)

    need = _memory_of(model.checkpoint.vae.encoder, whole_bytes(model.checkpoint.vae, height, width, decoding=False))
    moments = _without_nan(lambda: _fitting(whole, banded, need, plan.settings, model), plan.settings, model)
    mean, deviation = moments.chunk(2, dim=1)
    return mean, deviation


def _memory_of(coder: object, whole: int) -> int | None:
    """The bytes that an encoder or a decoder needs for the `whole` picture; None where an extension took its place."""
    return None if "forward" in vars(coder) else whole


def _fitting(
    whole: Callable[[], Tensor], banded: Callable[[], Tensor], need: int | None, settings: Settings, model: LoadedModel
) -> Tensor:
    """The whole picture at once where that fits, else in bands. What took the VAE's place sees to its own memory."""
    device = model.hardware.device
    if need is None:
        return whole()
    banding = settings.vae_in_bands
    if banding == "Always" or (banding == "Automatic" and need > SHARE * free_bytes(device)):
        return banded()
    try:
        return whole()
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if banding == "Never" or not (isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)):
            raise
    log.info("There was not enough memory for the VAE to take the picture as a whole; it works in bands.")
    release(device)
    return banded()


def _without_nan(compute: Callable[[], Tensor], settings: Settings, model: LoadedModel) -> Tensor:
    result = compute()
    if not bool(result.isnan().any()):
        return result
    for dtype in _further_types(settings, model.checkpoint.vae.dtype):
        model.use_vae_precision(dtype)
        result = compute()
        if not bool(result.isnan().any()):
            return result
    raise EaselError("The VAE gave NaN, so there is no picture. Start with --no-half-vae, or choose another VAE.")


def _further_types(settings: Settings, current: torch.dtype) -> Iterator[torch.dtype]:
    """Number types with a wider range than the one that gave NaN, the cheaper one first."""
    if settings.auto_vae_precision_bfloat16 and current == torch.float16:
        yield torch.bfloat16
    if settings.auto_vae_precision and current != torch.float32:
        yield torch.float32
