"""A setting as a component of the page: made from its declaration, and its values there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_origin

import gradio as gr
from gradio.components import Component

from modules.foundation.plain import JsonObject
from modules.settings.declare import choices_of, control_of
from modules.settings.model import Settings
from modules.webui.choices import named_choices
from modules.webui.events import on

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from modules.application.application import Application


def to_page(key: str, settings: Settings) -> Any:
    """The value of a setting as its control shows it."""
    value = getattr(settings, key)
    return "" if value is None else value


def from_page(key: str, value: Any, declared: Mapping[str, FieldInfo] = Settings.model_fields) -> Any:
    """What a control's value means as a setting: an emptied number is the default, whole numbers are ints."""
    field = declared[key]
    if value is None or (value == "" and field.annotation is not str):
        return field.get_default(call_default_factory=True)
    return round(float(value)) if field.annotation is int else value


REFRESHED = ("sd_vae", "sd_hypernetwork", "sd_lora", "localization", "interrogate_clip_skip_categories")
"""Settings that choose a file, with a button that looks for files again."""


def refreshed_control(
    app: Application, key: str, field: FieldInfo, lists: Mapping[str, Sequence[str]], **props: Any
) -> Component:
    """`setting_control` of the setting as it is now, with the button where there are files to look for."""
    own = control_of(field)
    if own is not None and own.before:
        _comment(own.before)
    if key in REFRESHED or (own is not None and own.look_again is not None):
        control = _with_button(app, key, field, lists, **props)
    else:
        control = setting_control(key, field, app.settings.current, lists, **props)
    if own is not None and own.after:
        _comment(own.after)
    return control


def _comment(text: str) -> None:
    gr.HTML(text, elem_classes=["settings-comment"], apply_default_css=False, padding=False)


def _with_button(
    app: Application, key: str, field: FieldInfo, lists: Mapping[str, Sequence[str]], **props: Any
) -> Component:
    own = control_of(field)
    with gr.Row(elem_classes=["with-refresh"]):
        control = setting_control(key, field, app.settings.current, lists, **props)
        button = gr.Button("🔄", elem_id=f"refresh_{key}", elem_classes=["tool", "refresh"])

    def refresh() -> object:
        if own is not None and own.look_again is not None:
            return own.look_again()
        app.library.refresh()
        return gr.update(choices=named_choices(app)[str(choices_of(field))])

    on(button, "click", refresh, [], [control])
    return control


def same(a: object, b: object) -> bool:
    """Whether two values of one control are the same; the browser makes no difference between 1 and 1.0."""
    return a == b or (a in (None, "") and b in (None, ""))


def setting_control(
    key: str,
    field: FieldInfo,
    settings: Settings,
    lists: Mapping[str, Sequence[str]],
    placeholder: str | None = None,
    **props: object,
) -> Any:
    """The component of a setting. `lists`: the choices known at run time only; `props`: arguments that it changes."""
    label = str(field.title or key)
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("restart"):
        label += " (takes effect after a restart)"
    common: JsonObject = {
        "label": label,
        "elem_id": f"setting_{key}",
        "value": to_page(key, settings),
        "interactive": True,
        **props,
    }
    own = control_of(field)
    if own is not None:
        return own.draw(**common)
    kind, arguments = usual_component(key, field, lists)
    if kind is gr.Textbox and placeholder is not None:
        arguments["placeholder"] = placeholder
    return kind(**arguments, **common)


def usual_component(key: str, field: FieldInfo, lists: Mapping[str, Sequence[str]]) -> tuple[Any, JsonObject]:
    """The class of component for the type of a setting, and its arguments beside label and value."""
    choices = _choices(field, lists)
    if field.annotation is bool:
        return gr.Checkbox, {}
    # Files and tabs come and go; what was chosen stays chosen while it is away.
    free = isinstance(choices_of(field), str)
    if get_origin(field.annotation) is list:
        offered: JsonObject = {"choices": list(choices or ()), "multiselect": True}
        return gr.Dropdown, {**offered, "allow_custom_value": choices is None or free}
    if choices is not None:
        if free:
            return gr.Dropdown, {"choices": list(choices), "allow_custom_value": True}
        return gr.Radio if len(choices) <= 4 else gr.Dropdown, {"choices": list(choices)}
    if field.annotation is int or field.annotation is float:
        return _number(field)
    return (gr.ColorPicker, {}) if "color" in key else (gr.Textbox, {"max_lines": 1})


def _number(field: FieldInfo) -> tuple[Any, JsonObject]:
    least, most = _limit(field, "ge"), _limit(field, "le")
    extra = field.json_schema_extra
    step: Any = extra.get("step") if isinstance(extra, dict) else None
    if least is not None and most is not None:
        return gr.Slider, {"minimum": least, "maximum": most, "step": step}
    precision = 0 if field.annotation is int else None
    step = step or (1 if precision == 0 else 0.1)
    return gr.Number, {"precision": precision, "minimum": least, "maximum": most, "step": step}


def _limit(field: FieldInfo, name: str) -> float | None:
    return next((getattr(limit, name) for limit in field.metadata if hasattr(limit, name)), None)


def _choices(field: FieldInfo, lists: Mapping[str, Sequence[str]]) -> Sequence[Any] | None:
    choices = choices_of(field)
    if isinstance(choices, str):
        return lists.get(choices)
    if choices is None and get_origin(field.annotation) is not list and (options := get_args(field.annotation)):
        return [option for option in options if isinstance(option, str)] or None
    return choices
