"""Small functions of `modules.processing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import Tensor

    from modules.a1111.sd_model import ModelView

opt_C, opt_f = 4, 8  # noqa: N816 - names of the original
"""Channels of a latent, and pixels of a picture to one of its cells."""


def program_version() -> str:
    """The version that stands in pictures."""
    from modules.foundation.version import VERSION

    return f"Easel {VERSION}"


def decode_first_stage(model: ModelView, x: Tensor) -> Tensor:
    """Latents [B, C, h, w] as pictures [B, 3, H, W] of -1 to 1."""
    return model.decode_first_stage(x)


def decode_latent_batch(
    model: ModelView, batch: Tensor, target_device: torch.device | None = None, check_for_nans: bool = False
) -> list[Tensor]:
    """Latents as pictures, one by one."""
    pictures = [decode_first_stage(model, latent[None])[0] for latent in batch]
    return [picture if target_device is None else picture.to(target_device) for picture in pictures]


class DecodedSamples(list[Any]):
    """Pictures of a batch that are decoded already."""

    already_decoded = True


def create_binary_mask(image: Image, round: bool = True) -> Image:
    """A mask [L]: what a picture shows, or what is painted where it has clear parts; `round` leaves no greys."""
    from modules.imaging.pixelwise import alpha_of, is_opaque

    mask = alpha_of(image) if image.mode == "RGBA" and not is_opaque(image) else image.convert("L")
    return mask.point([0] * 128 + [255] * 128) if round else mask


def setup_color_correction(image: Image) -> Any:
    """What `apply_color_correction` takes the colours from."""
    return image.convert("RGB")


def apply_color_correction(correction: Any, original_image: Image) -> Any:
    """A picture with the colours of another."""
    from modules.imaging.colour_correction import with_colours_of

    return with_colours_of(original_image.convert("RGB"), correction)


def apply_overlay(image: Image, paste_loc: Any, overlay: Any) -> tuple[Any, Any]:
    """A picture with what inpainting keeps over it, and the picture as it was before that.

    `paste_loc` is where in the whole picture a part of it belongs: left, top, width, height.
    """
    from modules.imaging.masks import overlaid, placed

    if overlay is None:
        return image, image.copy()
    if paste_loc is not None:
        left, top, width, height = paste_loc
        image = placed(image, (left, top, left + width, top + height), overlay.size)
    return overlaid(image, overlay).convert("RGB"), image.copy()


def txt2img_image_conditioning(sd_model: ModelView, x: Any, width: int, height: int) -> Any:
    """What models that take no picture are given beside latents x [B, C, h, w]: a stand-in [B, 5, 1, 1]."""
    return x.new_zeros(len(x), 5, 1, 1)
