"""From the parameters of a picture back to the controls that make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modules.application.infotexts import checkpoint_of, parameters_of
from modules.foundation.plain import JsonMapping
from modules.infotext.labels import implied_settings
from modules.infotext.parse import FEWEST_FIELDS, parse
from modules.sampling import schedules
from modules.webui.choices import split_sampler
from modules.webui.panel.control import Control
from modules.webui.panel.extra_options import PREFIX
from modules.webui.paste.second_pass import second_values

if TYPE_CHECKING:
    from modules.application.application import Application


Parameters = JsonMapping
"""The parameters of a picture by label."""


def has_parameters(text: str) -> bool:
    """Whether a text holds more than the words of a prompt."""
    return len(parse(text).fields) >= FEWEST_FIELDS


def control_values(parameters: Parameters, app: Application, controls: Mapping[str, Control]) -> dict[str, object]:
    """New values, by the control's name, for those of `controls` that these parameters say something about."""
    values: dict[str, object] = {}
    for name, control in controls.items():
        if control.infotext in parameters:
            try:
                values[name] = control.convert(parameters[control.infotext])
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
    return {**values, **_settings(parameters, app, controls)}


def pasted_values(text: str, app: Application, controls: Mapping[str, Control]) -> dict[str, object]:
    """New values of controls out of the parameters of a picture as text; none if it holds no parameters."""
    if not has_parameters(text):
        return {}
    values = control_values(parameters_of(text, app), app, controls)
    return {name: value for name, value in values.items() if name in controls}


def _implied(parameters: Parameters, app: Application) -> Sequence[tuple[str, str, object]]:
    """What has to be set besides the controls, each with label and key."""
    settings = app.settings.current

    def current(key: str) -> object:
        if key not in app.settings.declared:
            raise KeyError(key)
        return getattr(settings, key)

    return implied_settings(parameters, current)


def _settings(parameters: Parameters, app: Application, controls: Mapping[str, Control]) -> dict[str, object]:
    """What has to be set: in the control of a setting where there is one here, else as texts like "Clip skip: 2"."""
    texts: list[str] = []
    values: dict[str, object] = {}
    for label, key, value in _implied(parameters, app):
        control = controls.get(f"{PREFIX}{key}")
        if control is None:
            texts.append(f"{label}: {value}")
        else:
            values[control.name] = control.convert(value)
    # As A1111 does, the checkpoint stays the chosen one unless the user wants pictures to bring theirs back.
    if not app.settings.current.disable_weights_auto_swap:
        texts = [*_checkpoint_override(parameters, app), *texts]
    return {**values, "override_settings": texts}


def _checkpoint_override(parameters: Parameters, app: Application) -> list[str]:
    """The override that brings back the picture's checkpoint, if it is here and is not the chosen one."""
    selected, wanted = app.selected_checkpoint, checkpoint_of(parameters, app)
    if wanted is None or (selected is not None and wanted.path == selected.path):
        return []
    return [f"Model hash: {wanted.short_hash or wanted.name}"]
