"""Parameters and pictures on their way between tabs: `modules.infotext_utils`."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modules.a1111.current import current
from modules.a1111.gradio3.namespace import old_module
from modules.a1111.pasting import new_value
from modules.a1111.types import ComponentValue, GradioComponent
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    pass

LABELS = {
    "txt2img": "Send to txt2img",
    "img2img": "Send to img2img",
    "inpaint": "Send to inpaint",
    "extras": "Send to extras",
}


@dataclass
class ParamBinding:
    """A button that sends a text or a picture to a tab."""

    paste_button: GradioComponent
    tabname: str
    source_text_component: GradioComponent = None
    source_image_component: GradioComponent = None
    source_tabname: str | None = None
    override_settings_component: GradioComponent = None
    paste_field_names: list[str] = field(default_factory=list[str])


class PasteField(NamedTuple):
    """A component and the label (or function of all labels) that fills it."""

    component: GradioComponent
    label: GradioComponent = None
    api: str | None = None


class _Registered:
    """What one dialect knows of tabs and buttons."""

    def __init__(self) -> None:
        self.fields: dict[str, JsonObject] = {}
        self.bindings: list[ParamBinding] = []


def _registered() -> _Registered:
    dialect = current()
    kept = dialect.extras.get("pasting")
    if kept is None:
        kept = dialect.extras["pasting"] = _Registered()
    return kept


def paste_fields() -> dict[str, JsonObject]:
    """The fields of each tab that can be pasted into."""
    return _registered().fields


def registered_param_bindings() -> list[ParamBinding]:
    """The buttons that wait for `connect_paste_params_buttons`."""
    return _registered().bindings


def parse_generation_parameters(x: str, skip_fields: Sequence[str] | None = None) -> JsonObject:
    """Everything that a parameters text says or implies, by label."""
    from modules.application.infotexts import parameters_of

    values = parameters_of(x, current().app)
    return {key: value for key, value in values.items() if key not in (skip_fields or ())}


def image_from_url_text(filedata: object) -> ComponentValue:
    """A picture from what a gallery or an image component holds: a picture, a path, a data URI, or a list of them."""
    from modules.foundation.picture_file import open_picture

    if isinstance(filedata, list):
        filedata = filedata[0] if filedata else None
    if isinstance(filedata, tuple):
        filedata = filedata[0]
    if isinstance(filedata, dict):
        filedata = filedata.get("name") or filedata.get("path") or filedata.get("image")
        if isinstance(filedata, dict):
            return image_from_url_text(filedata)
    if filedata is None or not isinstance(filedata, str):
        return filedata
    if filedata.startswith("data:"):
        return open_picture(io.BytesIO(base64.b64decode(filedata.split(",", 1)[1])).getvalue())
    return open_picture(Path(filedata.rsplit("?", 1)[0]))


def create_buttons(tabs_list: Sequence[str]) -> JsonObject:
    """A button for each tab that something can be sent to."""
    gr = old_module("gradio")
    return {tab: gr.Button(LABELS.get(tab, f"Send to {tab}"), elem_id=f"{tab}_tab") for tab in tabs_list}


def bind_buttons(buttons: JsonObject, send_image: GradioComponent, send_generate_info: GradioComponent) -> None:
    """Have such buttons send a picture and a text. The text may be a component, or the name of a tab."""
    for tabname, button in buttons.items():
        text = None if isinstance(send_generate_info, str) else send_generate_info
        register_paste_params_button(
            ParamBinding(
                paste_button=button,
                tabname=tabname,
                source_text_component=text,
                source_image_component=send_image,
                source_tabname=send_generate_info if isinstance(send_generate_info, str) else None,
            )
        )


def register_paste_params_button(binding: ParamBinding) -> None:
    """Have a button sent when the page is whole."""
    _registered().bindings.append(binding)


def add_paste_fields(
    tabname: str,
    init_img: GradioComponent,
    fields: Sequence[GradioComponent] | None,
    override_settings_component: GradioComponent = None,
) -> None:
    """Say which components of a tab take a picture and which labels."""
    _registered().fields[tabname] = {
        "init_img": init_img,
        "fields": [PasteField(*each) for each in fields or ()],
        "override_settings_component": override_settings_component,
    }


def connect_paste_params_buttons() -> None:
    """Give every registered button its function. To be called while the page is being built, once all tabs are."""
    for binding in registered_param_bindings():
        target = paste_fields().get(binding.tabname)
        if target is None:
            continue
        if binding.source_image_component is not None and target["init_img"] is not None:
            binding.paste_button.click(
                fn=image_from_url_text,
                inputs=[binding.source_image_component],
                outputs=[target["init_img"]],
                show_progress=False,
            )
        if binding.source_text_component is not None and target["fields"]:
            connect_paste(binding.paste_button, target["fields"], binding.source_text_component)
        binding.paste_button.click(fn=None, js=f"() => window.switch_to_{binding.tabname}?.()", show_progress=False)
    registered_param_bindings().clear()


def connect_paste(
    button: GradioComponent,
    paste_fields: Sequence[GradioComponent],
    input_comp: GradioComponent,
    override_settings_component: GradioComponent = None,
    tabname: str | None = None,
) -> None:
    """Have a button put what a text says into components."""
    fields = [PasteField(*each) for each in paste_fields]

    def paste(text: str) -> list[GradioComponent]:
        values = parse_generation_parameters(text or "")
        return [new_value(each.component, each.label, values) for each in fields]

    button.click(fn=paste, inputs=[input_comp], outputs=[each.component for each in fields], show_progress=False)


def create_override_settings_dict(text_pairs: Sequence[str]) -> JsonObject:
    """Settings from lines of the form "label: value"."""
    from modules.application.infotexts import setting_labels

    dialect = current()
    labels = setting_labels(dialect.app)
    found: JsonObject = {}
    for pair in text_pairs:
        label, _, value = pair.partition(":")
        if (key := labels.get(label.strip())) is not None:
            found[key] = dialect.shared.opts.cast_value(key, value.strip())
    return found


def get_override_settings(params: JsonObject, *, skip_fields: Sequence[str] | None = None) -> list[GradioComponent]:
    """The settings that an infotext names with another value than they have: (label, key, value)."""
    from modules.application.infotexts import setting_labels

    dialect = current()
    found: list[GradioComponent] = []
    for label, key in setting_labels(dialect.app).items():
        if label in (skip_fields or ()) or params.get(label) is None:
            continue
        value = dialect.shared.opts.cast_value(key, params[label])
        if value != getattr(dialect.shared.opts, key, None):
            found.append((label, key, value))
    return found


def reset() -> None:
    """Forget the tabs and buttons of a page that is gone."""
    kept = _registered()
    kept.fields.clear()
    kept.bindings.clear()


def send_image_and_dimensions(x: Any) -> tuple[Any, Any, Any]:
    """A picture with its width and height."""
    image = x if not isinstance(x, list | tuple | dict | str) else image_from_url_text(x)
    update = old_module("gradio").update
    if current().shared.opts.send_size and image is not None and hasattr(image, "width"):
        return image, image.width, image.height
    return image, update(), update()
