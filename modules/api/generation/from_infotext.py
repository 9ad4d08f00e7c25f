"""The `infotext` of a request: a picture's parameters as the source of every field that the client left out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.application.application import Application
from modules.application.infotexts import checkpoint_of, parameters_of, setting_labels
from modules.faces.catalogue import NAMES
from modules.foundation.plain import JsonMapping, JsonObject
from modules.infotext.labels import (
    INPAINT_AREAS,
    MASK_MODES,
    MASKED_CONTENTS,
    REQUEST_FIELDS,
    SAME,
    SOFT_INPAINTING,
    implied_settings,
)
from modules.sampling.samplers.registry import find

log = logging.getLogger(__name__)

AnyBody = TypeVar("AnyBody", StableDiffusionProcessingTxt2Img, StableDiffusionProcessingImg2Img)

_PLACES: Mapping[str, tuple[str, ...]] = {
    "inpainting_mask_invert": MASK_MODES,
    "inpainting_fill": MASKED_CONTENTS,
    "inpaint_full_res": INPAINT_AREAS,
}
_MERGED = frozenset({"override_settings", "alwayson_scripts"})
"""Fields in which what was found already holds what the client wrote."""


def completed(app: Application, body: AnyBody) -> AnyBody:
    """`body` with the fields that it does not hold taken from its `infotext`, and settings into override_settings.

    What the client wrote itself always wins. A value of the text that fits no field is passed over.
    """
    if not body.infotext:
        return body
    values = parameters_of(body.infotext, app)
    sent = body.model_fields_set
    found = {
        field: _value(field, values[label])
        for label, field in REQUEST_FIELDS.items()
        if label in values and field in type(body).model_fields and field not in sent
    }
    found = {field: value for field, value in found.items() if value not in SAME}
    if "hr_scale" in found or "hr_upscaler" in found or found.get("hr_resize_x"):
        found.setdefault("enable_hr", True)
    if "sampler_name" not in found or "sampler_index" in sent:
        found.pop("sampler_name", None)
    sampler = found.get("sampler_name") or body.sampler_name or body.sampler_index
    if sampler and find(str(sampler)) is None:
        # An old name holds the schedule as well, and goes before what the text says or implies.
        found.pop("scheduler", None)
    if isinstance(body, StableDiffusionProcessingImg2Img):
        found |= _soft_inpainting(values, body)
    settings = app.settings.current
    found_settings = implied_settings(values, settings.model_dump().__getitem__, labels=setting_labels(app))
    implied = {setting: value for _, setting, value in found_settings}
    if not settings.disable_weights_auto_swap and (checkpoint := checkpoint_of(values, app)) is not None:
        implied["sd_model_checkpoint"] = checkpoint.title
    if (restorer := values.get("Face restoration")) in NAMES:
        implied["face_restoration_model"] = restorer
    found["override_settings"] = implied | (body.override_settings or {})
    return _with(body, found)


def _soft_inpainting(values: JsonMapping, body: StableDiffusionProcessingImg2Img) -> JsonObject:
    """The arguments of the script, unless the client has written some itself."""
    named = {name.casefold() for name in body.alwayson_scripts}
    if str(values.get(SOFT_INPAINTING[0])) != "True" or "soft inpainting" in named:
        return {}
    try:
        texts = [str(values[label]) for label in SOFT_INPAINTING[1:]]
        numbers = [float(text) if "." in text else int(text) for text in texts]
    except (KeyError, ValueError):
        return {}
    return {"alwayson_scripts": {**body.alwayson_scripts, "soft inpainting": {"args": [True, *numbers]}}}


def _with(body: AnyBody, found: JsonObject) -> AnyBody:
    own = body.model_dump(include=body.model_fields_set - _MERGED.intersection(found))
    while True:
        try:
            return type(body).model_validate({**found, **own})
        except ValidationError as error:
            bad = str(error.errors()[0]["loc"][0])
            if bad not in found or bad == "override_settings":
                raise
            log.warning("The infotext's value for %s, %r, is not used.", bad, found.pop(bad))


def _value(field: str, value: object) -> Any:
    if field in _PLACES and value in _PLACES[field]:
        return _PLACES[field].index(value)
    return value
