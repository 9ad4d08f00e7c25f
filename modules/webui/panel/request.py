"""The request that the values of a panel's controls make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modules.generation.request import GenerationRequest, HiresRequest
from modules.webui.overrides import overrides_from_texts
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.extra_options import chosen_settings


def txt2img_request(values: Mapping[str, object], *, upscale: bool = False) -> GenerationRequest:
    """What the controls of txt2img ask for. Raises RequestError naming a control left empty.

    With `upscale` it has a second pass, wherever its switch stands.
    """
    controls = ControlValues(values)
    request = common_request(values)
    if not (upscale or controls.switch("enable_hr")):
        return request
    strength = controls.number("denoising_strength", "Denoising strength")
    return replace(request, hires=_hires(controls), denoising_strength=strength)


def common_request(values: Mapping[str, object]) -> GenerationRequest:
    """What the controls that every panel has ask for."""
    controls = ControlValues(values)
    request = GenerationRequest(
        prompt=controls.text("prompt"),
        negative_prompt=controls.text("negative_prompt"),
        styles=controls.texts("styles"),
        sampler=controls.text("sampler") or None,
        scheduler=controls.text("scheduler") or None,
        steps=controls.whole("steps", "Sampling steps"),
        width=controls.whole("width", "Width"),
        height=controls.whole("height", "Height"),
        batch_count=controls.whole("batch_count", "Batch count"),
        batch_size=controls.whole("batch_size", "Batch size"),
        cfg_scale=controls.number("cfg_scale", "CFG Scale"),
        seed=controls.seed("seed", "Seed"),
        override_settings={
            **chosen_settings(values),
            **overrides_from_texts(controls.texts("override_settings")),
        },
    )
    if controls.switch("enable_refiner"):
        request = _with_refiner(request, controls)
    if controls.fields("added"):
        request = replace(request, **controls.fields("added"))
    return _with_extra_seed(request, controls) if controls.switch("extra") else request


def _hires(controls: ControlValues) -> HiresRequest:
    return HiresRequest(
        scale=controls.number("hr_scale", "Upscale by"),
        resize_width=controls.whole("hr_resize_x", "Resize width to"),
        resize_height=controls.whole("hr_resize_y", "Resize height to"),
        upscaler=controls.text("hr_upscaler") or None,
        steps=controls.whole("hires_steps", "Hires steps"),
        sampler=controls.text("hr_sampler") or None,
        scheduler=controls.text("hr_scheduler") or None,
        checkpoint=controls.text("hr_checkpoint") or None,
        cfg_scale=controls.number("hr_cfg", "Hires CFG Scale") or None,
        prompt=controls.text("hires_prompt"),
        negative_prompt=controls.text("hires_neg_prompt"),
    )


def _with_refiner(request: GenerationRequest, controls: ControlValues) -> GenerationRequest:
    return replace(
        request,
        refiner_checkpoint=controls.text("refiner_checkpoint") or None,
        refiner_switch_at=controls.number("refiner_switch_at", "Switch at"),
    )


def _with_extra_seed(request: GenerationRequest, controls: ControlValues) -> GenerationRequest:
    return replace(
        request,
        subseed=controls.seed("subseed", "Variation seed"),
        subseed_strength=controls.number("subseed_strength", "Variation strength"),
        seed_resize_from_width=controls.whole("seed_resize_from_width", "Resize seed from width"),
        seed_resize_from_height=controls.whole("seed_resize_from_height", "Resize seed from height"),
    )
