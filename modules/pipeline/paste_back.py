"""paste_back: colour correction, and pasting the unmasked parts of the source over a picture of img2img."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from modules.generation.plan import Plan
from modules.hooks.events import MaskOverlay
from modules.imaging.colour_correction import with_colours_of
from modules.imaging.masks import composite, kept_parts, overlaid, placed
from modules.imaging.resize import Upscale, resize


@dataclass(frozen=True, kw_only=True, eq=False)
class PastedBack:
    """A picture as it is to be seen, and what the settings may want to be kept beside it.

    `uncorrected` is the picture in the colours that the model gave it, `mask` (RGB) and `painted` (RGBA, the new part
    alone) belong to inpainting. Each is None where there is no such thing.
    """

    picture: Image.Image
    uncorrected: Image.Image | None = None
    mask: Image.Image | None = None
    painted: Image.Image | None = None


def paste_back(
    picture: Image.Image,
    plan: Plan,
    index: int,
    overlay_mask: Image.Image | None,
    *,
    upscale: Upscale | None = None,
    change_overlay: Callable[[MaskOverlay], MaskOverlay] | None = None,
) -> PastedBack:
    """Picture `index` of the plan, finished. `overlay_mask` is white where it may be seen; without one it is all.

    `upscale` enlarges a result that is smaller than the region it belongs to, `change_overlay` may change the mask and
    what is laid over the picture.
    """
    settings, plain = plan.settings, picture
    corrected = settings.img2img_color_correction and plan.is_img2img
    if corrected:
        picture = with_colours_of(picture, plan.init_images[index])
    overlay = None
    if plan.inpaint is not None and overlay_mask is not None and settings.overlay_inpaint:
        source = plan.inpaint.pictures[index].source
        if source.size != overlay_mask.size:  # a mask that was made of latents which were resized
            source = resize(source, *overlay_mask.size)
        overlay = kept_parts(source, overlay_mask)
        if change_overlay is not None:
            changed = change_overlay(MaskOverlay(mask=overlay_mask, overlay=overlay))
            overlay_mask, overlay = changed.mask, changed.overlay
    place = PastePlace(plan=plan, index=index, upscale=upscale, overlay=overlay)
    uncorrected = None
    if corrected and settings.save_images_before_color_correction:
        uncorrected = place.laid_over(plain)
    wants_painted = settings.return_mask_composite or settings.save_mask_composite
    return PastedBack(
        picture=place.laid_over(picture),
        uncorrected=uncorrected,
        mask=None if overlay_mask is None else overlay_mask.convert("RGB"),
        painted=composite(place.put(picture), overlay_mask) if overlay_mask and wants_painted else None,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class PastePlace:
    """Where picture `index` of a plan belongs in its source."""

    plan: Plan
    index: int
    upscale: Upscale | None
    overlay: Image.Image | None

    def laid_over(self, picture: Image.Image) -> Image.Image:
        """`picture` with the unmasked parts of its source over it, where there are such."""
        return picture if self.overlay is None else overlaid(self.put(picture), self.overlay)

    def put(self, picture: Image.Image) -> Image.Image:
        """A picture of a region in the place of that region, with nothing around it."""
        plan = self.plan
        if plan.inpaint is None or not plan.settings.overlay_inpaint:
            return picture
        masked = plan.inpaint.pictures[self.index]
        return picture if masked.region is None else placed(picture, masked.region, masked.source.size, self.upscale)
