"""From the parameters of a picture back to the controls that make it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.application.infotexts import checkpoint_of, parameters_of
from modules.infotext.labels import implied_settings
from modules.infotext.parse import FEWEST_FIELDS, parse
from modules.sampling import schedules
from modules.settings.model import Settings
from modules.webui.choices import split_sampler
from modules.webui.controls import CONTROL_NAMES
from modules.webui.paste_second import second_values

if TYPE_CHECKING:
    from modules.application.application import Application

PLAIN = {
    "Prompt": ("prompt", str),
    "Negative prompt": ("negative_prompt", str),
    "Steps": ("steps", int),
    "Size-1": ("width", int),
    "Size-2": ("height", int),
    "Batch size": ("batch_size", int),
    "CFG scale": ("cfg_scale", float),
    "Seed": ("seed", int),
    "Variation seed": ("subseed", int),
    "Variation seed strength": ("subseed_strength", float),
    "Seed resize from-1": ("seed_resize_from_width", int),
    "Seed resize from-2": ("seed_resize_from_height", int),
    "Styles array": ("styles", list),
    "Denoising strength": ("denoising_strength", float),
    "Hires upscale": ("hr_scale", float),
    "Hires steps": ("hires_steps", int),
    "Hires resize-1": ("hr_resize_x", int),
    "Hires resize-2": ("hr_resize_y", int),
    "Hires CFG Scale": ("hr_cfg", float),
    "Hires prompt": ("hires_prompt", str),
    "Hires negative prompt": ("hires_neg_prompt", str),
    "Refiner switch at": ("refiner_switch_at", float),
}
"""The parameters that go into one control as they are."""


def has_parameters(text: str) -> bool:
    """Whether a text holds more than the words of a prompt."""
    return len(parse(text).fields) >= FEWEST_FIELDS


def control_values(parameters: Mapping[str, Any], app: Application) -> dict[str, Any]:
    """New values, by the control's name, for the controls that these parameters say something about."""
    values: dict[str, Any] = {}
    for label, (name, convert) in PLAIN.items():
        if label in parameters:
            try:
                values[name] = convert(parameters[label])
            except (TypeError, ValueError):
                continue  # a text edited by hand; the control keeps what it has
    if "Sampler" in parameters:
        sampler, schedule = split_sampler(str(parameters["Sampler"]))
        known = schedules.find(str(parameters.get("Schedule type", "Automatic")))
        written = known.label if known else None
        if sampler is not None:
            values["sampler"] = sampler
            values["scheduler"] = schedule if schedule and written in (None, "Automatic") else written or "Automatic"
    values["extra"] = "Variation seed" in parameters or "Seed resize from-1" in parameters
    values |= second_values(parameters, app)
    values["override_settings"] = _overrides(parameters, app)
    return values


def control_updates(text: str, app: Application) -> list[Any]:
    """The answers of an event whose outputs are all controls; those that the text does not name stay as they are."""
    values = control_values(parameters_of(text, app), app) if has_parameters(text) else {}
    return [_update(name, values[name]) if name in values else gr.skip() for name in CONTROL_NAMES]


def _update(name: str, value: Any) -> Any:
    if name == "override_settings":
        # An empty box of overrides would only puzzle.
        return gr.update(value=value, choices=value, visible=True if value else "hidden")
    return gr.update(value=value)


def _overrides(parameters: Mapping[str, Any], app: Application) -> list[str]:
    """What has to be set besides the controls, as texts like "Clip skip: 2"."""
    settings = app.settings.current

    def current(key: str) -> Any:
        if key not in Settings.model_fields:
            raise KeyError(key)
        return getattr(settings, key)

    texts = [f"{label}: {value}" for label, _, value in implied_settings(parameters, current)]
    # As A1111 does, the checkpoint stays the chosen one unless the user wants pictures to bring theirs back.
    if not settings.disable_weights_auto_swap:
        texts = [*_checkpoint_override(parameters, app), *texts]
    return texts


def _checkpoint_override(parameters: Mapping[str, Any], app: Application) -> list[str]:
    """The override that brings back the picture's checkpoint, if it is here and is not the chosen one."""
    selected, wanted = app.selected_checkpoint, checkpoint_of(parameters, app)
    if wanted is None or (selected is not None and wanted.path == selected.path):
        return []
    return [f"Model hash: {wanted.short_hash or wanted.name}"]
