"""Doorway: `modules.generation_parameters_copypaste`."""

from __future__ import annotations

from typing import Any

from modules.a1111.sending import (
    ParamBinding,
    PasteField,
    add_paste_fields,
    bind_buttons,
    connect_paste,
    connect_paste_params_buttons,
    create_buttons,
    create_override_settings_dict,
    get_override_settings,
    image_from_url_text,
    parse_generation_parameters,
    register_paste_params_button,
    reset,
    send_image_and_dimensions,
)
from modules.a1111.sending import (
    paste_fields as fields_of_tabs,
)
from modules.a1111.sending import (
    registered_param_bindings as bindings,
)
from modules.infotext.quoting import quote, unquote

__all__ = [
    "ParamBinding",
    "PasteField",
    "add_paste_fields",
    "bind_buttons",
    "connect_paste",
    "connect_paste_params_buttons",
    "create_buttons",
    "create_override_settings_dict",
    "get_override_settings",
    "image_from_url_text",
    "parse_generation_parameters",
    "quote",
    "register_paste_params_button",
    "reset",
    "send_image_and_dimensions",
    "unquote",
]


def __getattr__(name: str) -> Any:
    if name == "paste_fields":
        return fields_of_tabs()
    if name == "registered_param_bindings":
        return bindings()
    raise AttributeError(f"modules.generation_parameters_copypaste has no {name!r}.")
