"""Which label of an infotext belongs to which field of a request and to which setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modules.foundation.plain import JsonMapping
from modules.settings.declare import Section, infotext_label
from modules.settings.model import Settings
from modules.settings.sections.diffusion import CompatibilitySection, OptimizationsSection, SamplerParametersSection

SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE = "Use same checkpoint", "Use same sampler", "Use same scheduler"
"""How A1111 writes that the second pass uses what the first one does."""

SAME = (SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE)

ONLY_KEPT: Mapping[str, str] = {"FP8 weight": "fp8_storage", "Cache FP16 weight for LoRA": "cache_fp16_weight"}
OTHER_NAMES: Mapping[str, str] = {
    "Beta scheduler alpha": "beta_dist_alpha",
    "Beta scheduler beta": "beta_dist_beta",
    "Model hash": "sd_model_checkpoint",
}
HYPERTILE: Mapping[str, str] = {
    "Hypertile U-Net": "hypertile_enable_unet",
    "Hypertile U-Net second pass": "hypertile_enable_unet_secondpass",
    "Hypertile U-Net max depth": "hypertile_max_depth_unet",
    "Hypertile U-Net max tile size": "hypertile_max_tile_unet",
    "Hypertile U-Net swap size": "hypertile_swap_size_unet",
    "Hypertile VAE": "hypertile_enable_vae",
    "Hypertile VAE max depth": "hypertile_max_depth_vae",
    "Hypertile VAE max tile size": "hypertile_max_tile_vae",
    "Hypertile VAE swap size": "hypertile_swap_size_vae",
}
"""Labels that no declaration of a setting holds: settings that are only kept, and further names of declared ones."""


def _declared(section: type[Section]) -> dict[str, str]:
    return {label: key for key, field in section.model_fields.items() if (label := infotext_label(field))}


SETTINGS: Mapping[str, str] = {
    **_declared(CompatibilitySection),
    **_declared(OptimizationsSection),
    **ONLY_KEPT,
    **_declared(SamplerParametersSection),
    **OTHER_NAMES,
    **_declared(Settings),
    **HYPERTILE,
}
"""Label -> setting, in the order in which A1111 lists settings that are restored from an infotext."""

REQUEST_FIELDS: Mapping[str, str] = {
    "Prompt": "prompt",
    "Negative prompt": "negative_prompt",
    "Styles array": "styles",
    "Steps": "steps",
    "Sampler": "sampler_name",
    "Schedule type": "scheduler",
    "CFG scale": "cfg_scale",
    "Image CFG scale": "image_cfg_scale",
    "Seed": "seed",
    "Size-1": "width",
    "Size-2": "height",
    "Batch size": "batch_size",
    "Variation seed": "subseed",
    "Variation seed strength": "subseed_strength",
    "Seed resize from-1": "seed_resize_from_w",
    "Seed resize from-2": "seed_resize_from_h",
    "Denoising strength": "denoising_strength",
    "Hires upscale": "hr_scale",
    "Hires upscaler": "hr_upscaler",
    "Hires steps": "hr_second_pass_steps",
    "Hires resize-1": "hr_resize_x",
    "Hires resize-2": "hr_resize_y",
    "Hires checkpoint": "hr_checkpoint_name",
    "Hires sampler": "hr_sampler_name",
    "Hires schedule type": "hr_scheduler",
    "Hires prompt": "hr_prompt",
    "Hires negative prompt": "hr_negative_prompt",
    "Hires CFG Scale": "hr_cfg",
    "Refiner": "refiner_checkpoint",
    "Refiner switch at": "refiner_switch_at",
    "Mask blur": "mask_blur",
    "Mask mode": "inpainting_mask_invert",
    "Masked content": "inpainting_fill",
    "Inpaint area": "inpaint_full_res",
    "Masked area padding": "inpaint_full_res_padding",
}
"""Label -> field of a request to the API."""

SOFT_INPAINTING = (
    "Soft inpainting enabled",
    "Soft inpainting schedule bias",
    "Soft inpainting preservation strength",
    "Soft inpainting transition contrast boost",
    "Soft inpainting mask influence",
    "Soft inpainting difference threshold",
    "Soft inpainting difference contrast",
)
"""Labels of the always-on script of that name, in the order of its arguments."""

MASK_MODES = ("Inpaint masked", "Inpaint not masked")
MASKED_CONTENTS = ("fill", "original", "latent noise", "latent nothing")
INPAINT_AREAS = ("Whole picture", "Only masked")
"""What these labels' values mean: the field's number is the place in the list."""


def implied_settings(
    values: JsonMapping,
    current: Callable[[str], Any],
    *,
    labels: Mapping[str, str] = SETTINGS,
    skip: Iterable[str] = (),
    swap_checkpoint: bool = False,
) -> list[tuple[str, str, Any]]:
    """The settings that `values` imply and that are not so already: (label, setting, value).

    `current` gives the present value of a setting, by whose type the text is understood, and raises KeyError for one
    that does not exist. `skip` names labels to disregard. The checkpoint is among them only with `swap_checkpoint`.
    """
    skip = set(skip)
    found: list[tuple[str, str, Any]] = []
    for label, setting in labels.items():
        if label not in values or label in skip or (setting == "sd_model_checkpoint" and not swap_checkpoint):
            continue
        try:
            now = current(setting)
            value = _as_type_of(now, values[label])
        except (KeyError, ValueError):
            continue
        if value != now:
            found.append((label, setting, value))
    return found


def _as_type_of(example: object, value: Any) -> Any:
    """`value`, usually text, as the type of `example`. Raises ValueError if it cannot be."""
    if isinstance(example, bool):
        return str(value) not in ("False", "false", "0", "")
    if isinstance(example, int):
        return int(float(value))
    if isinstance(example, float):
        return float(value)
    return value
