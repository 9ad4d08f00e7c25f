"""plan: from what was asked to what is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from modules.checkpoints.catalogue import Catalogue
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeCatalogue
from modules.foundation.errors import UnknownName
from modules.generation.plan import Plan
from modules.generation.request import GenerationRequest
from modules.generation.seeds import picture_seeds, with_seeds
from modules.imaging.resize import ResizeMode, Upscale
from modules.pipeline.init_pictures import batch_size_for, init_pictures
from modules.pipeline.plan_hires_refiner import Catalogues, sizes_asked, with_passes
from modules.prompts.comments import strip_comments
from modules.prompts.styles import Style, apply_styles, pick_styles
from modules.sampling.loop import infotext_of
from modules.sampling.options import SamplingOptions
from modules.sampling.samplers.registry import resolve_pair
from modules.settings.model import Settings
from modules.upscalers.catalogue import UpscalerCatalogue

Enlarger = Callable[[str | None, Settings], Upscale | None]
"""Gives the upscaler of a name. Raises UnknownName."""


def make_plan(
    request: GenerationRequest,
    settings: Settings,
    catalogue: Catalogue,
    styles: Sequence[Style],
    *,
    vaes: VaeCatalogue,
    upscalers: UpscalerCatalogue,
    checkpoint: str | None = None,
    fallback: str | None = None,
    enlarger: Enlarger | None = None,
) -> Plan:
    """Decide everything that `request` and `settings` leave open.

    `checkpoint` names the one to use unless the request asks for another, `fallback` that for settings that name none.
    Raises UnknownName for an unknown sampler, schedule or checkpoint, SettingsError for an override that does
    not fit. `enlarger` gives upscalers by name.
    """
    settings = settings.changed(request.override_settings)
    if request.restore_faces is not None:
        settings = settings.changed({"face_restoration": request.restore_faces})
    request, _ = with_seeds(sizes_asked(request, settings))
    warnings: list[str] = []
    known = Catalogues(catalogue=catalogue, vaes=vaes, upscalers=upscalers, warnings=warnings)
    sampler, schedule = resolve_pair(request.sampler, request.scheduler)
    info = _checkpoint(request, settings, catalogue, checkpoint, fallback)
    chosen, missing = pick_styles(request.styles, styles)
    warnings += [f"The style {name!r} does not exist and was left out." for name in missing]
    prompt, negative = _prompts(request, settings, chosen)
    batch_size = batch_size_for(request, warnings)
    each = request.per_picture
    count = batch_size * request.batch_count if each is None else min(batch_size * request.batch_count, each.count)
    step = catalogue.family_of(info).size_step
    width, height = (max(size // step * step, step) for size in (request.width, request.height))
    if (width, height) != (request.width, request.height):
        warnings.append(f"The size was changed to {width}x{height}: width and height must be multiples of {step}.")
    begin = init_pictures(
        request,
        size=(width, height),
        count=count,
        background=settings.img2img_background_color,
        warnings=warnings,
        upscale=img2img_upscale(settings, enlarger, warnings) if request.is_img2img else None,
    )
    seeds, subseeds = picture_seeds(request, count) if each is None else (each.seeds[:count], each.subseeds[:count])
    plan = Plan(
        settings=settings,
        checkpoint=info,
        vae=known.vae(settings, info),
        prompts=(prompt,) * count if each is None else each.prompts[:count],
        negative_prompts=(negative,) * count if each is None else each.negative_prompts[:count],
        styles=tuple(chosen),
        seeds=seeds,
        subseeds=subseeds,
        subseed_strength=request.subseed_strength,
        seed_resize_from=(max(request.seed_resize_from_height, 0), max(request.seed_resize_from_width, 0)),
        sampler=sampler,
        schedule=schedule,
        options=_options(request, settings),
        # A1111 writes churn and its limits only where settings, not the request, ask for them.
        sampler_fields=infotext_of(
            sampler,
            SamplingOptions.from_settings(settings.model_dump(), eta=request.eta),
            from_image=request.is_img2img,
        ),
        steps=request.steps,
        cfg_scale=request.cfg_scale,
        width=width,
        height=height,
        size_step=step,
        batch_size=batch_size,
        token_merging_ratio=_token_merging_ratio(request, settings),
        tiling=settings.tiling if request.tiling is None else request.tiling,
        init_images=begin.pictures,
        denoising_strength=_strength(request),
        resizes_latents=request.is_img2img and request.resize_mode == ResizeMode.LATENT,
        inpaint=begin.inpaint,
        noise_multiplier=_noise_multiplier(request, settings),
        image_cfg_scale=request.image_cfg_scale,
        save_images=request.save_images and settings.samples_save,
        save_grid=request.save_grid,
    )
    plan = with_passes(plan, request, known)
    return replace(plan, warnings=tuple(warnings))


def img2img_upscale(settings: Settings, enlarger: Enlarger | None, warnings: list[str]) -> Upscale | None:
    """What enlarges the pictures of img2img; None for plain resizing, which also stands in for one that is not here."""
    if enlarger is None:
        return None
    try:
        return enlarger(settings.upscaler_for_img2img, settings)
    except UnknownName as error:
        warnings.append(f"Setting upscaler_for_img2img: {error} Pictures are resized without it.")
        return None


def _checkpoint(
    request: GenerationRequest, settings: Settings, catalogue: Catalogue, decided: str | None, fallback: str | None
) -> CheckpointInfo:
    """The request's own wish must exist, and so must what was decided when it was submitted; a stored setting may
    name a file that is gone by now."""
    name = request.override_settings.get("sd_model_checkpoint") or decided
    return catalogue.find(str(name)) if name else catalogue.chosen(settings.sd_model_checkpoint or fallback)


def _prompts(request: GenerationRequest, settings: Settings, styles: Sequence[Style]) -> tuple[str, str]:
    prompt, negative = apply_styles(request.prompt, request.negative_prompt, styles)
    if settings.enable_prompt_comments:
        prompt, negative = strip_comments(prompt), strip_comments(negative)
    return prompt, negative


def _options(request: GenerationRequest, settings: Settings) -> SamplingOptions:
    overrides = {
        name: value
        for name in ("eta", "s_min_uncond", "s_churn", "s_tmin", "s_tmax", "s_noise")
        if (value := getattr(request, name)) is not None
    }
    return SamplingOptions.from_settings(settings.model_dump()).with_request(**overrides)


def _token_merging_ratio(request: GenerationRequest, settings: Settings) -> float:
    """img2img has a ratio of its own, unless the request itself asks for the general one."""
    own = settings.token_merging_ratio_img2img
    overridden = "token_merging_ratio" in request.override_settings
    return own if request.is_img2img and own and not overridden else settings.token_merging_ratio


def _strength(request: GenerationRequest) -> float | None:
    if not request.is_img2img and request.hires is None:
        return None
    return 0.75 if request.denoising_strength is None else request.denoising_strength


def _noise_multiplier(request: GenerationRequest, settings: Settings) -> float:
    if not request.is_img2img:
        return 1.0
    multiplier = request.initial_noise_multiplier
    return settings.initial_noise_multiplier if multiplier is None else multiplier
