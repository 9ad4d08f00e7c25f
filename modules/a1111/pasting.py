"""Parameters of pictures and the controls of scripts: `infotext_fields`."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gradio as gr

from modules.a1111.types import ComponentValue, GradioComponent
from modules.foundation.plain import JsonObject

log = logging.getLogger(__name__)


def new_value(
    component: GradioComponent, key: str | Callable[[JsonObject], ComponentValue] | None, parameters: JsonObject
) -> ComponentValue:
    """The update of `component` that parameters (by label) ask for; `key` is a label or a function of them all.

    What they do not name stays as it is, and so does what cannot be read as the component's kind of value.
    """
    if not parameters or key is None:
        return gr.skip()
    try:
        value = key(parameters) if callable(key) else parameters.get(key)
        if value is None:
            return gr.skip()
        if isinstance(value, dict) and value.get("__type__") == "update":
            return {name: each for name, each in value.items() if name != "__type__"} | {"__type__": "update"}
        return gr.update(value=_fitting(component, value))
    except Exception:  # the boundary of an extension
        log.exception("A parameter cannot be put into %r", getattr(component, "label", component))
        return gr.skip()


def _fitting(component: object, value: ComponentValue) -> ComponentValue:
    """A value out of a text as the component takes it."""
    if isinstance(component, gr.Checkbox):
        return value.strip().casefold() in ("true", "1", "yes") if isinstance(value, str) else bool(value)
    if isinstance(component, gr.Slider | gr.Number):
        number = float(value)
        return int(number) if number.is_integer() else number
    if getattr(component, "multiselect", False) or isinstance(component, gr.CheckboxGroup):
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
    if isinstance(component, gr.Dropdown | gr.Radio):
        choices = [each[1] for each in component.choices or ()]
        return next((each for each in choices if str(each) == str(value)), value)
    return value if isinstance(value, str | list | dict) else str(value)
