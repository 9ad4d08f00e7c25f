"""compose: a decoded picture of img2img gets its source's colours and unmasked parts back."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from modules.generation.plan import Plan
from modules.imaging.colour_correction import with_colours_of
from modules.imaging.masks import composite, kept_parts, overlaid, placed


@dataclass(frozen=True, kw_only=True, eq=False)
class Composed:
    """A picture as it is to be seen, and what the settings may want to be kept beside it.

    `uncorrected` is the picture in the colours that the model gave it, `mask` (RGB) and `painted` (RGBA, the new part
    alone) belong to inpainting. Each is None where there is no such thing.
    """

    picture: Image.Image
    uncorrected: Image.Image | None = None
    mask: Image.Image | None = None
    painted: Image.Image | None = None


def compose(picture: Image.Image, plan: Plan, index: int, overlay_mask: Image.Image | None) -> Composed:
    """Picture `index` of the plan, finished. `overlay_mask` is white where it may be seen; without one it is all."""
    settings, plain = plan.settings, picture
    corrected = settings.img2img_color_correction and plan.is_img2img
    if corrected:
        picture = with_colours_of(picture, plan.init_images[index])
    uncorrected = None
    if corrected and settings.save_images_before_color_correction:
        uncorrected = _laid_over(plain, plan, index, overlay_mask)
    wants_painted = settings.return_mask_composite or settings.save_mask_composite
    return Composed(
        picture=_laid_over(picture, plan, index, overlay_mask),
        uncorrected=uncorrected,
        mask=None if overlay_mask is None else overlay_mask.convert("RGB"),
        painted=composite(_in_place(picture, plan, index), overlay_mask) if overlay_mask and wants_painted else None,
    )


def _laid_over(picture: Image.Image, plan: Plan, index: int, overlay_mask: Image.Image | None) -> Image.Image:
    if plan.inpaint is None or overlay_mask is None or not plan.settings.overlay_inpaint:
        return picture
    source = plan.inpaint.pictures[index].source
    return overlaid(_in_place(picture, plan, index), kept_parts(source, overlay_mask))


def _in_place(picture: Image.Image, plan: Plan, index: int) -> Image.Image:
    """A picture of a region in the place of that region, with nothing around it."""
    if plan.inpaint is None or not plan.settings.overlay_inpaint:
        return picture
    masked = plan.inpaint.pictures[index]
    return picture if masked.region is None else placed(picture, masked.region, masked.source.size)
