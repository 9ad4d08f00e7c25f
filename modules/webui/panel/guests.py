"""What guests of the page have on one tab, put together."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from gradio.components import Component

from modules.application.page_guests import PageGuest
from modules.foundation.plain import JsonMapping, JsonObject
from modules.webui.ui_config import ComponentArguments, UiConfig

KEPT = (gr.Checkbox, gr.CheckboxGroup, gr.ColorPicker, gr.Dropdown, gr.Number, gr.Radio, gr.Slider, gr.Textbox)
"""The kinds of components whose values are plain: they are kept over reloads and restarts."""


class PanelGuests:
    """The guests on one tab, in their order. To be asked when all of the page is drawn."""

    def __init__(self, tab: str, guests: Sequence[PageGuest]) -> None:
        self._tab, self._guests = tab, guests

    @property
    def inputs(self) -> list[Component]:
        """The components whose values go with those of the panel."""
        return [component for guest in self._guests for component in guest.inputs(self._tab)]

    @property
    def outputs(self) -> list[Component]:
        """The components that parameters may be pasted into."""
        return [component for guest in self._guests for component in guest.outputs(self._tab)]

    @property
    def keys(self) -> list[tuple[str, Component]]:
        """Components with their keys in ui-config.json."""
        return [(key, component) for guest in self._guests for key, component in guest.keys(self._tab)]

    @property
    def kept(self) -> dict[str, Component]:
        """The components whose values are kept, by their name: the key, numbered where several have the same."""
        keys = {id(component): key for key, component in self.keys}
        kept: dict[str, Component] = {}
        for component in self.inputs:
            if (key := keys.get(id(component))) is None or not isinstance(component, KEPT):
                continue
            same = sum(name.partition(" #")[0] == key for name in kept)
            kept[f"{key} #{same + 1}" if same else key] = component
        return kept

    def configure(self, ui: UiConfig) -> None:
        """Let the controls begin with what ui-config.json says."""
        seen: set[str] = set()
        for key, component in self.keys:
            if key not in seen:
                seen.add(key)
                for name, value in arguments_of(component, key, ui).items():
                    setattr(component, name, value)

    def fields(self, values: Sequence[object]) -> JsonObject:
        """Fields of the request that the values of `inputs` make."""
        fields: JsonObject = {}
        rest = list(values)
        for guest in self._guests:
            count = len(guest.inputs(self._tab))
            fields |= guest.fields(self._tab, rest[:count])
            rest = rest[count:]
        return fields

    def pasted(self, parameters: JsonMapping) -> list[object]:
        """New values of `outputs`."""
        return [value for guest in self._guests for value in guest.pasted(self._tab, parameters)]

    def sent(self, parameters: JsonMapping) -> list[object]:
        """New values of `outputs` for a picture that is sent here from another tab."""
        return [value for guest in self._guests for value in guest.sent(self._tab, parameters)]


def arguments_of(component: Component, key: str, ui: UiConfig) -> ComponentArguments:
    """What ui-config.json says of a component that is drawn already; nothing of one that it cannot describe.

    Read off the component's own attributes, whose values may be of any kind where others have made them.
    """
    value, arguments = component.value, ComponentArguments()
    match component:
        case gr.Slider() if _are_numbers(value, component.minimum, component.maximum, component.step):
            limits = {"minimum": component.minimum, "maximum": component.maximum, "step": component.step or 0.01}
            arguments = ui.slider(key, value=value, **limits)
        case gr.Number() if _are_numbers(value):
            arguments = ui.number(key, value=value)
        case gr.Checkbox() if isinstance(value, bool):
            arguments = ui.checkbox(key, value=value)
        case gr.Textbox() if isinstance(value, str | None) and component.type != "password":
            arguments = ui.text(key, value=value or "")
        case gr.Dropdown() if component.allow_custom_value and isinstance(value, str):
            arguments = ui.text(key, value=value)
        case gr.Dropdown() | gr.Radio() if isinstance(value, str) and value in choices_of(component):
            arguments = ui.choice(key, choices_of(component), value=value)
        case gr.CheckboxGroup() if isinstance(value, list):
            arguments = ui.choices(key, choices_of(component), value=value)
        case _:
            pass
    # Its choices are there already, with labels of their own.
    arguments.pop("choices", None)
    return arguments


def choices_of(component: object) -> list[str]:
    """The values that a list offers now."""
    return [str(value) for _, value in getattr(component, "choices", None) or ()]


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
