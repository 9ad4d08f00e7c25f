"""compose: a decoded picture of img2img gets its source's colours and unmasked parts back."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from modules.generation.plan import Plan
from modules.imaging.colour_correction import with_colours_of
from modules.imaging.masks import composite, kept_parts, overlaid, placed
from modules.imaging.resize import Upscale, resize


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


def compose(
    picture: Image.Image, plan: Plan, index: int, overlay_mask: Image.Image | None, upscale: Upscale | None = None
) -> Composed:
    """Picture `index` of the plan, finished. `overlay_mask` is white where it may be seen; without one it is all.

    `upscale` enlarges a result that is smaller than the region it belongs to.
    """
    settings, plain = plan.settings, picture
    corrected = settings.img2img_color_correction and plan.is_img2img
    if corrected:
        picture = with_colours_of(picture, plan.init_images[index])
    place = PastePlace(plan=plan, index=index, upscale=upscale)
    uncorrected = None
    if corrected and settings.save_images_before_color_correction:
        uncorrected = place.laid_over(plain, overlay_mask)
    wants_painted = settings.return_mask_composite or settings.save_mask_composite
    return Composed(
        picture=place.laid_over(picture, overlay_mask),
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

    def laid_over(self, picture: Image.Image, overlay_mask: Image.Image | None) -> Image.Image:
        """`picture` with the unmasked parts of its source over it, where the settings want that."""
        plan = self.plan
        if plan.inpaint is None or overlay_mask is None or not plan.settings.overlay_inpaint:
            return picture
        source = plan.inpaint.pictures[self.index].source
        if source.size != overlay_mask.size:  # a mask that was made of latents which were resized
            source = resize(source, *overlay_mask.size)
        return overlaid(self.put(picture), kept_parts(source, overlay_mask))

    def put(self, picture: Image.Image) -> Image.Image:
        """A picture of a region in the place of that region, with nothing around it."""
        plan = self.plan
        if plan.inpaint is None or not plan.settings.overlay_inpaint:
            return picture
        masked = plan.inpaint.pictures[self.index]
        return picture if masked.region is None else placed(picture, masked.region, masked.source.size, self.upscale)
