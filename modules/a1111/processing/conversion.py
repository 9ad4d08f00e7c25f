"""From `p` to a request and back: one table says which attribute is which field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from modules.a1111.current import current
from modules.a1111.processing.parameters import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from modules.foundation.plain import JsonObject
from modules.generation.inpaint import InpaintRequest, MaskedContent
from modules.generation.per_picture import PerPicture
from modules.generation.request import GenerationRequest, HiresRequest
from modules.imaging.resize import ResizeMode

FIELDS = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "styles": "styles",
    "seed": "seed",
    "subseed": "subseed",
    "subseed_strength": "subseed_strength",
    "seed_resize_from_w": "seed_resize_from_width",
    "seed_resize_from_h": "seed_resize_from_height",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
    "steps": "steps",
    "cfg_scale": "cfg_scale",
    "width": "width",
    "height": "height",
    "batch_size": "batch_size",
    "n_iter": "batch_count",
    "tiling": "tiling",
    "restore_faces": "restore_faces",
    "eta": "eta",
    "s_min_uncond": "s_min_uncond",
    "s_churn": "s_churn",
    "s_tmin": "s_tmin",
    "s_tmax": "s_tmax",
    "s_noise": "s_noise",
    "refiner_checkpoint": "refiner_checkpoint",
    "refiner_switch_at": "refiner_switch_at",
    "disable_extra_networks": "disable_extra_networks",
    "override_settings": "override_settings",
}
HIRES_FIELDS = {
    "hr_scale": "scale",
    "hr_resize_x": "resize_width",
    "hr_resize_y": "resize_height",
    "hr_upscaler": "upscaler",
    "hr_second_pass_steps": "steps",
    "hr_sampler_name": "sampler",
    "hr_scheduler": "scheduler",
    "hr_checkpoint_name": "checkpoint",
    "hr_cfg": "cfg_scale",
    "hr_prompt": "prompt",
    "hr_negative_prompt": "negative_prompt",
    "firstpass_image": "first_picture",
}
IMG2IMG_FIELDS = {
    "denoising_strength": "denoising_strength",
    "resize_mode": "resize_mode",
    "image_cfg_scale": "image_cfg_scale",
    "initial_noise_multiplier": "initial_noise_multiplier",
    "soft_inpainting": "soft_inpainting",
}
INPAINT_FIELDS = {
    "image_mask": "mask",
    "latent_mask": "latent_mask",
    "mask_blur_x": "blur_x",
    "mask_blur_y": "blur_y",
    "mask_round": "rounded",
    "inpainting_mask_invert": "inverted",
    "inpainting_fill": "content",
    "inpaint_full_res": "only_masked",
    "inpaint_full_res_padding": "padding",
}
WHOLE = (
    "seed",
    "subseed",
    "steps",
    "width",
    "height",
    "batch_size",
    "batch_count",
    "resize_width",
    "resize_height",
    "seed_resize_from_width",
    "seed_resize_from_height",
    "padding",
    "blur_x",
    "blur_y",
)
"""Fields that must be whole numbers; scripts often leave a float there."""

KINDS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(WHOLE, int),
    "cfg_scale": float,  # one that changes with every step is used where guidance combines; see `seams`
    "styles": tuple,
    "override_settings": dict,
    "resize_mode": ResizeMode,
    "content": MaskedContent,
    "inverted": bool,
    "only_masked": bool,
    "rounded": bool,
}
OVERRIDING = {"token_merging_ratio": "token_merging_ratio", "token_merging_ratio_hr": "token_merging_ratio_hr"}
"""Attributes that are settings for this one generation where they are not 0."""


def processing_of(request: GenerationRequest) -> StableDiffusionProcessing:
    """A `p` that asks for what `request` asks for."""
    kind = StableDiffusionProcessingImg2Img if request.is_img2img else StableDiffusionProcessingTxt2Img
    p = kind()
    _read(p, request, FIELDS)
    p.styles, p.override_settings = list(request.styles), dict(request.override_settings)
    p.do_not_save_samples, p.do_not_save_grid = not request.save_images, not request.save_grid
    p.outpath_samples, p.outpath_grids = _usual_folders(img2img=request.is_img2img)
    if request.is_img2img:
        p.init_images = list(request.init_images)
        _read(p, request, IMG2IMG_FIELDS)
        if request.inpaint is not None:
            _read(p, request.inpaint, INPAINT_FIELDS)
            p.inpainting_mask_invert, p.inpainting_fill = int(p.inpainting_mask_invert), int(p.inpainting_fill)
        p.resize_mode = int(p.resize_mode)
    elif request.hires is not None:
        p.enable_hr, p.denoising_strength = True, request.denoising_strength
        _read(p, request.hires, HIRES_FIELDS)
    return p


def request_of(p: StableDiffusionProcessing) -> GenerationRequest:
    """The request that `p` asks for, with its lists of prompts and seeds where they are filled.

    Raises RequestError, ValueError or TypeError for attributes that make no sense.
    """
    fields = _written(p, FIELDS)
    fields["prompt"], fields["negative_prompt"] = (_first(fields[name]) for name in ("prompt", "negative_prompt"))
    fields["seed"], fields["subseed"] = (_first(getattr(p, name)) for name in ("seed", "subseed"))
    fields["override_settings"] = {**fields["override_settings"], **_overriding(p)}
    fields["save_images"], fields["save_grid"] = not p.do_not_save_samples, not p.do_not_save_grid
    if isinstance(p, StableDiffusionProcessingImg2Img):
        fields |= _written(p, IMG2IMG_FIELDS)
        fields["init_images"] = tuple(image for image in p.init_images if image is not None)
        if p.image_mask is not None:
            fields["inpaint"] = InpaintRequest(**_written(p, INPAINT_FIELDS))
    elif getattr(p, "enable_hr", False):
        fields["hires"] = HiresRequest(**_written(p, HIRES_FIELDS))
        fields["denoising_strength"] = p.denoising_strength
    return GenerationRequest(**fields, per_picture=per_picture_of(p))


def per_picture_of(p: StableDiffusionProcessing) -> PerPicture | None:
    """The lists of prompts and seeds of `p`; None where they are not filled yet. Too short ones end with their last."""
    if not p.all_prompts or not p.all_seeds:
        return None
    count = len(p.all_prompts)
    second: dict[str, tuple[str, ...]] = {}
    if getattr(p, "enable_hr", False):
        for name in ("hr_prompts", "hr_negative_prompts"):
            if entries := getattr(p, f"all_{name}", None):
                second[name] = _filled(entries, count)
    return PerPicture(
        prompts=tuple(str(each) for each in p.all_prompts),
        negative_prompts=_filled(p.all_negative_prompts or [""], count),
        seeds=tuple(int(each) for each in _filled(p.all_seeds, count)),
        subseeds=tuple(int(each) for each in _filled(p.all_subseeds or p.all_seeds, count)),
        **second,
    )


def _filled(entries: Any, count: int) -> tuple[Any, ...]:
    return (*entries, *[entries[-1]] * (count - len(entries)))


def _first(value: object) -> Any:
    """The first of a list, for scripts that give one for each picture."""
    return value[0] if isinstance(value, list) else value


def _read(p: StableDiffusionProcessing, source: object, fields: Mapping[str, str]) -> None:
    for attribute, field in fields.items():
        setattr(p, attribute, getattr(source, field))


def _written(p: StableDiffusionProcessing, fields: Mapping[str, str]) -> JsonObject:
    """The fields with what the attributes hold; None leaves a field at what it is by default."""
    values: JsonObject = {}
    for attribute, field in fields.items():
        value = getattr(p, attribute, None)
        if value is not None and (kind := KINDS.get(field)) is not None and not isinstance(value, list):
            value = kind(value)
        elif field == "styles":
            value = tuple(cast("list[str]", value or ()))
        if value is not None:
            values[field] = value
    return values


def _overriding(p: StableDiffusionProcessing) -> JsonObject:
    settings = {setting: getattr(p, name) for name, setting in OVERRIDING.items() if getattr(p, name, 0)}
    folders = _usual_folders(img2img=isinstance(p, StableDiffusionProcessingImg2Img))
    for setting, chosen, usual in zip(
        ("outdir_samples", "outdir_grids"), (p.outpath_samples, p.outpath_grids), folders, strict=True
    ):
        if chosen and str(chosen) != usual:
            settings[setting] = str(chosen)
    return settings


def _usual_folders(*, img2img: bool) -> tuple[str, str]:
    """Where the settings have pictures and grids saved."""
    from modules.pipeline.output_folders import grid_options, sample_options

    dialect = current()
    settings, app = dialect.settings, dialect.app
    kind = "img2img" if img2img else "txt2img"
    samples = sample_options(settings, app.paths, app.flags, kind).folder
    return str(samples), str(grid_options(settings, app.paths, app.flags, kind).folder)
