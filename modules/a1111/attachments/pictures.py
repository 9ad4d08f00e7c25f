"""Pictures on their way from the VAE to the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modules.a1111 import script as scripts
from modules.a1111.attachments.run_p import p_of
from modules.a1111.processing.picture_tensors import picture_of, tensor_of
from modules.a1111.processing.running import extra_params
from modules.hooks.events import MaskOverlay, PictureEvent, RunEvent

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class PictureAttachments:
    """Decoded tensors, pictures, what is laid over them, and their parameters."""

    def decoded(self, images: Tensor, event: RunEvent) -> Tensor:
        """postprocess_batch; scripts write into the tensor."""
        p = p_of(event)
        if p is None:
            return images
        p.is_hr_pass = False
        if p.scripts is not None and p.scripts.has("postprocess_batch"):
            # The VAE's tensor is one of inference mode, into which nothing may be written outside of it.
            images = images.clone()
            p.scripts.call("postprocess_batch", p, images=images, batch_number=event.batch)
        return images

    def pictures(self, pictures: list[Image], event: RunEvent) -> list[Image]:
        """postprocess_batch_list, with tensors as A1111 hands them."""
        p = p_of(event)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_batch_list"):
            return pictures
        args = scripts.PostprocessBatchListArgs([tensor_of(picture) for picture in pictures])
        p.scripts.call("postprocess_batch_list", p, args, batch_number=event.batch)
        return [picture_of(tensor) for tensor in args.images]

    def picture(self, picture: Image, event: RunEvent) -> Image:
        """postprocess_image."""
        p = p_of(event)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_image"):
            return picture
        p.batch_index = 0 if event.picture is None else event.picture - event.pictures.start
        args = scripts.PostprocessImageArgs(picture)
        p.scripts.call("postprocess_image", p, args)
        return args.image

    def mask_overlay(self, overlay: MaskOverlay, event: PictureEvent) -> MaskOverlay:
        """postprocess_maskoverlay."""
        p = p_of(event.run)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_maskoverlay"):
            return overlay
        args = scripts.PostProcessMaskOverlayArgs(event.index, overlay.mask, overlay.overlay)
        p.scripts.call("postprocess_maskoverlay", p, args)
        return replace(overlay, mask=args.mask_for_overlay, overlay=args.overlay_image)

    def composed(self, picture: Image, event: PictureEvent) -> Image:
        """postprocess_image_after_composite."""
        p = p_of(event.run)
        if p is None or p.scripts is None or not p.scripts.has("postprocess_image_after_composite"):
            return picture
        args = scripts.PostprocessImageArgs(picture, event.index)
        p.scripts.call("postprocess_image_after_composite", p, args)
        return args.image

    def infotext_fields(self, fields: dict[str, object], event: RunEvent) -> dict[str, object]:
        """p.extra_generation_params."""
        p = p_of(event)
        if p is None:
            return fields
        index = event.picture or 0
        p.__dict__.setdefault("written_fields", {})[index] = dict(fields)
        return {**fields, **extra_params(p, index)} if p.extra_generation_params else fields
