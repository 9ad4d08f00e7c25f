"""The request that the values of a panel's controls make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modules.generation.request import GenerationRequest, HiresRequest
from modules.webui.overrides import overrides_from_texts
from modules.webui.panel.extra_options import chosen_settings
from modules.webui.panel.given import Given


def txt2img_request(values: Mapping[str, object], *, upscale: bool = False) -> GenerationRequest:
    """What the controls of txt2img ask for. Raises RequestError naming a control left empty.

    With `upscale` it has a second pass, wherever its switch stands.
    """
    given = Given(values)
    request = common_request(values)
    if not (upscale or given.switch("enable_hr")):
        return request
    strength = given.number("denoising_strength", "Denoising strength")
    return replace(request, hires=_hires(given), denoising_strength=strength)


def common_request(values: Mapping[str, object]) -> GenerationRequest:
    """What the controls that every panel has ask for."""
    given = Given(values)
    request = GenerationRequest(
        prompt=given.text("prompt"),
        negative_prompt=given.text("negative_prompt"),
        styles=given.texts("styles"),
        sampler=given.text("sampler") or None,
        scheduler=given.text("scheduler") or None,
        steps=given.whole("steps", "Sampling steps"),
        width=given.whole("width", "Width"),
        height=given.whole("height", "Height"),
        batch_count=given.whole("batch_count", "Batch count"),
        batch_size=given.whole("batch_size", "Batch size"),
        cfg_scale=given.number("cfg_scale", "CFG Scale"),
        seed=given.seed("seed", "Seed"),
        override_settings={
            **chosen_settings(values),
            **overrides_from_texts(given.texts("override_settings")),
        },
    )
    if given.switch("enable_refiner"):
        request = _with_refiner(request, given)
    if given.fields("added"):
        request = replace(request, **given.fields("added"))
    return _with_extra_seed(request, given) if given.switch("extra") else request


def _hires(given: Given) -> HiresRequest:
    return HiresRequest(
        scale=given.number("hr_scale", "Upscale by"),
        resize_width=given.whole("hr_resize_x", "Resize width to"),
        resize_height=given.whole("hr_resize_y", "Resize height to"),
        upscaler=given.text("hr_upscaler") or None,
        steps=given.whole("hires_steps", "Hires steps"),
        sampler=given.text("hr_sampler") or None,
        scheduler=given.text("hr_scheduler") or None,
        checkpoint=given.text("hr_checkpoint") or None,
        cfg_scale=given.number("hr_cfg", "Hires CFG Scale") or None,
        prompt=given.text("hires_prompt"),
        negative_prompt=given.text("hires_neg_prompt"),
    )


def _with_refiner(request: GenerationRequest, given: Given) -> GenerationRequest:
    return replace(
        request,
        refiner_checkpoint=given.text("refiner_checkpoint") or None,
        refiner_switch_at=given.number("refiner_switch_at", "Switch at"),
    )


def _with_extra_seed(request: GenerationRequest, given: Given) -> GenerationRequest:
    return replace(
        request,
        subseed=given.seed("subseed", "Variation seed"),
        subseed_strength=given.number("subseed_strength", "Variation strength"),
        seed_resize_from_width=given.whole("seed_resize_from_width", "Resize seed from width"),
        seed_resize_from_height=given.whole("seed_resize_from_height", "Resize seed from height"),
    )
