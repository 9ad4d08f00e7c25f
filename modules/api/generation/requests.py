"""From a client's request to the engine's: old names, bounds, what is not supported, an infotext as a source."""

from __future__ import annotations

import dataclasses
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

from fastapi import HTTPException

from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.api.generation.from_infotext import completed
from modules.api.generation.hires import check_names, hires_request, with_first_pass_size
from modules.api.generation.scripts import fields_of_scripts
from modules.api.guards.bounds import check_bounds
from modules.api.pictures import Intake, decode_picture
from modules.application.application import Application
from modules.foundation.errors import RequestError, SaveError, SettingsError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.generation.inpaint import InpaintOptions, InpaintRequest, MaskedContent
from modules.generation.request import GenerationRequest, HiresRequest
from modules.imaging.encode import format_of
from modules.imaging.resize import ResizeMode
from modules.sampling.samplers.registry import resolve_pair
from modules.settings.known_options import check_sizes
from modules.settings.model import Settings

if TYPE_CHECKING:
    from PIL.Image import Image

Numbered = TypeVar("Numbered", bound=IntEnum)


def txt2img_request(app: Application, body: StableDiffusionProcessingTxt2Img) -> GenerationRequest:
    """The engine's request for a txt2img body. Raises RequestError, SettingsError or HTTPException."""
    body = completed(app, body)
    body = with_first_pass_size(body)
    check_bounds(body, app.flags)
    scripted = fields_of_scripts(app, body.alwayson_scripts, body.script_name, body.script_args, img2img=False)
    request = dataclasses.replace(_request(app, body, hires=hires_request(app, body)), **scripted)
    app.size_limits.check_request(request)
    return request


def img2img_request(app: Application, body: StableDiffusionProcessingImg2Img) -> GenerationRequest:
    """The engine's request for an img2img body. Raises RequestError, SettingsError or HTTPException."""
    body = completed(app, body)
    if not body.init_images:
        raise HTTPException(404, "Init image not found: init_images must hold at least one picture in base64.")
    check_bounds(body, app.flags)
    intake = Intake.of(app)
    images = tuple(
        decode_picture(image, f"init_images[{index}]", intake) for index, image in enumerate(body.init_images)
    )
    inpaint = None
    if body.mask:
        inpaint = InpaintRequest(
            mask=decode_picture(body.mask, "mask", intake),
            latent_mask=decode_picture(body.latent_mask, "latent_mask", intake) if body.latent_mask else None,
            **_inpaint_options(body),
        )
    return dataclasses.replace(img2img_template(app, body), init_images=images, inpaint=inpaint)


def img2img_request_of(
    app: Application, body: StableDiffusionProcessingImg2Img, picture: Image, mask: Image | None
) -> GenerationRequest:
    """As `img2img_request`, with a picture and a mask that are unpacked already."""
    body = completed(app, body)
    check_bounds(body, app.flags)
    inpaint = None if mask is None else InpaintRequest(mask=mask, latent_mask=None, **_inpaint_options(body))
    return dataclasses.replace(img2img_template(app, body), init_images=(picture,), inpaint=inpaint)


def img2img_template(app: Application, body: StableDiffusionProcessingImg2Img) -> GenerationRequest:
    """What an img2img body asks for, whatever its pictures and masks. Raises as `img2img_request` does."""
    scripted = fields_of_scripts(app, body.alwayson_scripts, body.script_name, body.script_args, img2img=True)
    return dataclasses.replace(
        _request(app, body),
        denoising_strength=body.denoising_strength,
        resize_mode=_one_of(ResizeMode, "resize_mode", body.resize_mode),
        image_cfg_scale=body.image_cfg_scale,
        initial_noise_multiplier=body.initial_noise_multiplier,
        **scripted,
    )


def inpaint_options(body: StableDiffusionProcessingImg2Img) -> InpaintOptions:
    """How a body wants masked parts painted."""
    return InpaintOptions(**_inpaint_options(body))


def _inpaint_options(body: StableDiffusionProcessingImg2Img) -> JsonObject:
    return {
        "blur_x": body.mask_blur_x if body.mask_blur is None else body.mask_blur,
        "blur_y": body.mask_blur_y if body.mask_blur is None else body.mask_blur,
        "rounded": body.mask_round,
        "inverted": bool(body.inpainting_mask_invert),
        "content": _one_of(MaskedContent, "inpainting_fill", body.inpainting_fill),
        "only_masked": body.inpaint_full_res,
        "padding": body.inpaint_full_res_padding,
    }


def _one_of(kind: type[Numbered], field: str, number: int) -> Numbered:
    try:
        return kind(number)
    except ValueError:
        choices = ", ".join(f"{each.value} ({each.name.lower().replace('_', ' ')})" for each in kind)
        raise RequestError(f"{field} must be one of {choices}; it is {number}.", field) from None


def _request(
    app: Application,
    body: StableDiffusionProcessingTxt2Img | StableDiffusionProcessingImg2Img,
    hires: HiresRequest | None = None,
) -> GenerationRequest:
    check_bounds(body, app.flags)
    sampler_name = body.sampler_name or body.sampler_index
    check_names(app, body)
    # Said now, a wrong name is known before the job has waited for its turn.
    resolve_pair(sampler_name, body.scheduler)
    # As for fields, null means that a setting is not there.
    overrides = {key: value for key, value in (body.override_settings or {}).items() if value is not None}
    _check_overrides(app, overrides)
    return GenerationRequest(
        prompt=body.prompt,
        negative_prompt=body.negative_prompt,
        styles=tuple(body.styles or ()),
        seed=body.seed,
        subseed=body.subseed,
        subseed_strength=body.subseed_strength,
        seed_resize_from_width=body.seed_resize_from_w,
        seed_resize_from_height=body.seed_resize_from_h,
        sampler=sampler_name,
        scheduler=body.scheduler,
        steps=body.steps,
        cfg_scale=body.cfg_scale,
        width=body.width,
        height=body.height,
        batch_size=body.batch_size,
        batch_count=body.n_iter,
        tiling=body.tiling,
        restore_faces=body.restore_faces,
        eta=body.eta,
        s_min_uncond=body.s_min_uncond,
        s_churn=body.s_churn,
        s_tmin=body.s_tmin,
        s_tmax=body.s_tmax,
        s_noise=body.s_noise,
        denoising_strength=body.denoising_strength if hires else None,
        hires=hires,
        refiner_checkpoint=body.refiner_checkpoint,
        refiner_switch_at=body.refiner_switch_at,
        override_settings=overrides,
        disable_extra_networks=body.disable_extra_networks,
        save_images=body.save_images and not body.do_not_save_samples,
        save_grid=body.save_images and not body.do_not_save_grid,
    )


def _check_overrides(app: Application, overrides: JsonObject) -> None:
    """Raise SettingsError or UnknownName for overrides that cannot be; names of checkpoints become sure ones."""
    check_sizes(overrides, app.settings.current)
    wanted = overrides.get("sd_model_checkpoint")
    if wanted:
        overrides["sd_model_checkpoint"] = app.catalogue.find(str(wanted)).title
    app.policy.check_settings(overrides, app.settings.current)
    check_formats(app.settings.current.changed(overrides))


def unused_settings(app: Application, overrides: JsonMapping) -> list[str]:
    """A sentence for each override that this version does not know, and that therefore changes nothing."""
    return [
        f"Easel has no setting {key!r}; it changed nothing." for key in overrides if key not in app.settings.declared
    ]


def check_formats(settings: Settings) -> None:
    """Raise SettingsError for file formats that pictures cannot be saved in."""
    for key in ("samples_format", "grid_format"):
        try:
            format_of(getattr(settings, key))
        except SaveError as error:
            raise SettingsError(f"Setting {key!r} cannot be used: {error}") from error
