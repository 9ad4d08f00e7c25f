"""The controls of the txt2img tab as one record, and the request that their values make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modules.foundation.errors import RequestError
from modules.generation.request import GenerationRequest, HiresRequest
from modules.webui.overrides import overrides_from_texts


@dataclass(frozen=True, kw_only=True)
class Txt2ImgControls:
    """The components that decide a picture, in the order in which the page sends their values."""

    prompt: Any
    negative_prompt: Any
    styles: Any
    sampler: Any
    scheduler: Any
    steps: Any
    width: Any
    height: Any
    batch_count: Any
    batch_size: Any
    cfg_scale: Any
    seed: Any
    extra: Any
    subseed: Any
    subseed_strength: Any
    seed_resize_from_width: Any
    seed_resize_from_height: Any
    enable_hr: Any
    hr_upscaler: Any
    hires_steps: Any
    denoising_strength: Any
    hr_scale: Any
    hr_resize_x: Any
    hr_resize_y: Any
    hr_checkpoint: Any
    hr_sampler: Any
    hr_scheduler: Any
    hr_cfg: Any
    hires_prompt: Any
    hires_neg_prompt: Any
    enable_refiner: Any
    refiner_checkpoint: Any
    refiner_switch_at: Any
    override_settings: Any

    @property
    def components(self) -> list[Any]:
        """The components in order."""
        return [getattr(self, name) for name in CONTROL_NAMES]


CONTROL_NAMES = tuple(field.name for field in dataclasses.fields(Txt2ImgControls))


def request_from_values(values: Sequence[Any], *, upscale: bool = False) -> GenerationRequest:
    """The request that the values of the controls ask for. Raises RequestError naming a control left empty.

    With `upscale` it has a second pass, wherever its switch stands.
    """
    given = dict(zip(CONTROL_NAMES, values, strict=True))
    extra = _extra_seed(given) if given["extra"] else {}
    return GenerationRequest(
        prompt=given["prompt"] or "",
        negative_prompt=given["negative_prompt"] or "",
        styles=tuple(given["styles"] or ()),
        sampler=given["sampler"] or None,
        scheduler=given["scheduler"] or None,
        steps=_whole(given, "steps", "Sampling steps"),
        width=_whole(given, "width", "Width"),
        height=_whole(given, "height", "Height"),
        batch_count=_whole(given, "batch_count", "Batch count"),
        batch_size=_whole(given, "batch_size", "Batch size"),
        cfg_scale=_number(given, "cfg_scale", "CFG Scale"),
        seed=_seed(given["seed"]),
        override_settings=overrides_from_texts(given["override_settings"] or ()),
        **(_hires(given) if given["enable_hr"] or upscale else {}),
        **(_refiner(given) if given["enable_refiner"] else {}),
        **extra,
    )


def _hires(given: Mapping[str, Any]) -> dict[str, Any]:
    hires = HiresRequest(
        scale=_number(given, "hr_scale", "Upscale by"),
        resize_width=_whole(given, "hr_resize_x", "Resize width to"),
        resize_height=_whole(given, "hr_resize_y", "Resize height to"),
        upscaler=given["hr_upscaler"] or None,
        steps=_whole(given, "hires_steps", "Hires steps"),
        sampler=given["hr_sampler"] or None,
        scheduler=given["hr_scheduler"] or None,
        checkpoint=given["hr_checkpoint"] or None,
        cfg_scale=_number(given, "hr_cfg", "Hires CFG Scale") or None,
        prompt=given["hires_prompt"] or "",
        negative_prompt=given["hires_neg_prompt"] or "",
    )
    return {"hires": hires, "denoising_strength": _number(given, "denoising_strength", "Denoising strength")}


def _refiner(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "refiner_checkpoint": given["refiner_checkpoint"] or None,
        "refiner_switch_at": _number(given, "refiner_switch_at", "Switch at"),
    }


def _extra_seed(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subseed": _seed(given["subseed"]),
        "subseed_strength": _number(given, "subseed_strength", "Variation strength"),
        "seed_resize_from_width": _whole(given, "seed_resize_from_width", "Resize seed from width"),
        "seed_resize_from_height": _whole(given, "seed_resize_from_height", "Resize seed from height"),
    }


def _number(given: Mapping[str, Any], name: str, label: str) -> float:
    value = given[name]
    if value is None or value == "":
        raise RequestError(f"{label} is empty. Enter a number.", name)
    number = float(value)
    # As JavaScript counts: parameters from the page say "CFG scale: 7", those from the API 7.0, as in A1111.
    return int(number) if number.is_integer() else number


def _whole(given: Mapping[str, Any], name: str, label: str) -> int:
    return round(_number(given, name, label))


def _seed(value: Any) -> int:
    # An emptied box means the same as -1: choose one.
    return -1 if value is None or value == "" else int(value)
