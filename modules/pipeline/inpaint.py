"""inpaint: masks in latent size, what lies under them at the start, and how the rest keeps its source."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.generation.inpaint import InpaintPlan, MaskedContent
from modules.generation.plan import BatchSlice, Plan
from modules.imaging.resize import ResizeMode, resize
from modules.imaging.soft_masks import changed_mask
from modules.infotext.labels import SOFT_INPAINTING
from modules.pipeline.model import LoadedModel
from modules.sampling.inpainting import Blend, HardBlend, SoftBlend
from modules.sampling.noise import ImageNoise


def pixel_masks(inpaint: InpaintPlan, batch: BatchSlice) -> Tensor:
    """The masks of a batch [B, 1, H, W], 1 where the model paints."""
    return torch.stack([_tensor(each.mask, rounded=inpaint.rounds_mask) for each in inpaint.pictures[batch.pictures]])


def latent_masks(inpaint: InpaintPlan, batch: BatchSlice, latents: Tensor) -> Tensor:
    """The masks of a batch [B, 1, h, w] in the size of its latents, 1 where the model paints."""
    height, width = latents.shape[-2:]
    small = [each.latent_mask.resize((width, height)) for each in inpaint.pictures[batch.pictures]]
    return torch.stack([_tensor(mask, rounded=inpaint.rounds_mask) for mask in small]).to(latents)


def masked_content(latents: Tensor, masks: Tensor, plan: Plan, batch: BatchSlice, model: LoadedModel) -> Tensor:
    """The latents that sampling starts from: those of the pictures, or noise or nothing under the masks."""
    assert plan.inpaint is not None
    match plan.inpaint.request.content:
        case MaskedContent.LATENT_NOISE:
            noise = ImageNoise(
                shape=latents.shape[1:],
                seeds=plan.seeds[batch.pictures],
                source=plan.settings.randn_source,
                device=model.hardware.device,
            )
            return latents * (1 - masks) + noise.initial() * masks
        case MaskedContent.LATENT_NOTHING:
            return latents * (1 - masks)
        case _:
            return latents


def blend_of(latents: Tensor, masks: Tensor, inpaint: InpaintPlan) -> Blend:
    """How sampling keeps the unmasked part of `latents`."""
    soft = inpaint.soft
    if soft is None:
        return HardBlend(kept=latents * (1 - masks), mask=masks)
    return SoftBlend(
        source=latents,
        mask=masks,
        bias=soft.schedule_bias,
        strength=soft.preservation_strength,
        contrast=soft.transition_contrast_boost,
    )


def overlay_masks(plan: Plan, batch: BatchSlice, blend: Blend | None, finished: Tensor | None) -> list[Image.Image]:
    """White where each result is to be seen, black where its source is; in the size of the source.

    These are the plan's masks. With soft inpainting they follow from how far the finished latents are from the
    source, where there are latents.
    """
    inpaint = plan.inpaint
    if inpaint is None:
        return []
    pictures = inpaint.pictures[batch.pictures]
    if inpaint.soft is None or finished is None or not isinstance(blend, SoftBlend):
        return [each.overlay_mask for each in pictures]
    soft = inpaint.soft
    distances = (finished - blend.source).norm(dim=1).float().cpu().numpy()
    allowed = blend.mask[:, 0].float().cpu().numpy()
    masks = [
        changed_mask(
            distance,
            mask,
            (plan.width, plan.height),
            strength=soft.preservation_strength,
            influence=soft.mask_influence,
            threshold=soft.difference_threshold,
            contrast=soft.difference_contrast,
        )
        for distance, mask in zip(distances, allowed, strict=True)
    ]
    return [
        mask if each.region is None else _in_region(mask, each.region, each.source.size)
        for mask, each in zip(masks, pictures, strict=True)
    ]


def _in_region(mask: Image.Image, region: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    left, top, right, bottom = region
    whole = Image.new("L", size)
    whole.paste(resize(mask, right - left, bottom - top, ResizeMode.CROP), (left, top))
    return whole


def inpaint_fields(plan: Plan) -> dict[str, object]:
    """What inpainting adds to the parameters."""
    inpaint = plan.inpaint
    if inpaint is None:
        return {}
    request, fields = inpaint.request, dict[str, object]()
    if soft := inpaint.soft:
        fields |= dict(zip(SOFT_INPAINTING, (True, *dataclasses.astuple(soft)), strict=True))
    if request.inverted:
        fields["Mask mode"] = "Inpaint not masked"
    if request.blur_x == request.blur_y > 0:
        fields["Mask blur"] = request.blur_x
    if request.only_masked:
        fields |= {"Inpaint area": "Only masked", "Masked area padding": request.padding}
    if request.content != MaskedContent.ORIGINAL:
        fields["Masked content"] = request.content.name.lower().replace("_", " ")
    return fields


def _tensor(mask: Image.Image, *, rounded: bool) -> Tensor:
    levels = torch.from_numpy(np.asarray(mask, dtype=np.float32)[None] / 255)
    return levels.round() if rounded else levels
