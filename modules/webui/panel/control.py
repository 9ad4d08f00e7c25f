"""A control of the generation panel, declared as data: what it is, its id, its key in ui-config.json, its parameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gradio as gr
from gradio.components import Component

from modules.foundation.plain import JsonMapping, JsonObject
from modules.webui.canvas.component import Canvas, Paints
from modules.webui.panel.open_slider import PanelSlider, open_slider
from modules.webui.picture_file_box import picture_file_box
from modules.webui.ui_config import UiConfig

Props = JsonObject
"""Keyword arguments of a component that decide how it is drawn: label, elem_id, scale, ..."""


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What the dropdowns offer at this moment."""

    samplers: Sequence[str] = ()
    schedules: Sequence[str] = ()
    checkpoints: Sequence[str] = ()
    upscalers: Sequence[str] = ()
    picture_upscalers: Sequence[str] = ()
    vaes: Sequence[str] = ()
    captioners: Sequence[str] = ()
    styles: Sequence[str] = ()
    embeddings: Sequence[str] = ()
    hypernetworks: Sequence[str] = ()
    templates: Sequence[str] = ()


Choices = Callable[[Offers], Sequence[str]]


def offered_again(chosen: object, choices: Sequence[str]) -> str | None:
    """The choice that `chosen` means; None without one.

    The title of a checkpoint ends in its hash as soon as that is known: what was chosen before means the same file.
    """
    if chosen in choices:
        return str(chosen)
    name = _HASH.sub("", str(chosen))
    return next((choice for choice in choices if name and _HASH.sub("", choice) == name), None)


_HASH = re.compile(r" \[[0-9a-f]{6,64}\]$")


class Kind(Protocol):
    """What a control is: a slider, a dropdown, ..."""

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """The component, with the values that ui-config.json has under `key`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A slider: a number within limits."""

    value: float
    minimum: float
    maximum: float
    step: float
    most: float | None = None
    """What its number box takes where that is more than the slider's end."""

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A slider, or a slider with a number box that takes more."""
        limits = {"minimum": self.minimum, "maximum": self.maximum, "step": self.step}
        arguments = {**ui.slider(key, value=self.value, **limits), **props}
        return PanelSlider(**arguments) if self.most is None else open_slider(self.most, arguments)


@dataclass(frozen=True, kw_only=True)
class Number:
    """A whole number without limits."""

    value: float

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A number box for whole numbers."""
        return gr.Number(precision=0, **ui.number(key, value=self.value), **props)


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A checkbox."""

    value: bool = False

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A checkbox."""
        return gr.Checkbox(**ui.checkbox(key, value=self.value), **props)


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text box."""

    lines: int = 1
    value: str = ""

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A text box."""
        return gr.Textbox(lines=self.lines, **ui.text(key, value=self.value), **props)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of several, in a dropdown. Without `value` it begins with the first.

    `changing` tells that the choices are read again whenever the page is opened. `remembered` choices have their value
    in ui-config.json; names of files have not, since files come and go.
    """

    choices: Choices
    value: str | None = None
    changing: bool = False
    remembered: bool = True

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A dropdown with the choices of `offers`."""
        choices = list(self.choices(offers))
        value = choices[0] if self.value is None else self.value
        arguments = ui.choice(key, choices, value=value) if self.remembered else {"choices": choices, "value": value}
        return gr.Dropdown(interactive=True, **arguments, **props)


@dataclass(frozen=True, kw_only=True)
class ChoiceButtons(Choice):
    """One of several, each with a button of its own."""

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """Radio buttons with the choices of `offers`."""
        choices = list(self.choices(offers))
        return gr.Radio(interactive=True, **ui.choice(key, choices, value=self.value or choices[0]), **props)


@dataclass(frozen=True, kw_only=True)
class Several:
    """As many of several as one likes, in a dropdown."""

    choices: Choices
    changing: bool = False
    value: tuple[str, ...] = ()

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A dropdown for several of the choices."""
        arguments = ui.choices(key, self.choices(offers), value=list(self.value))
        return gr.Dropdown(multiselect=True, interactive=True, **arguments, **props)


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """As many of a few as one likes, each with a checkbox."""

    labels: tuple[str, ...]
    value: tuple[str, ...] = ()

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """See `Kind`."""
        return gr.CheckboxGroup(**ui.choices(key, self.labels, value=self.value), **props)


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """One of a few, all of them seen."""

    labels: tuple[str, ...]
    value: str

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """Radio buttons."""
        return gr.Radio(**ui.choice(key, self.labels, value=self.value), **props)


@dataclass(frozen=True, kw_only=True)
class ChosenTab:
    """Which of a group of tabs is open, by name; static/tabs.js keeps the hidden box in step."""

    value: str

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A hidden text box with the name of the open tab."""
        return gr.Textbox(self.value, visible="hidden", elem_classes=["chosen-tab"], **props)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture, as the file that was dropped: its value is the path, and nothing of the file is lost."""

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A picture field."""
        return picture_file_box(**props)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A canvas: a picture and what is painted over it. Its value is a `CanvasValue`.

    `colour` is the key of the setting with the colour that the brush begins with.
    """

    paints: Paints
    colour: str = ""
    grows: bool = False

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A picture to draw on."""
        return Canvas(paints=self.paints, grows=self.grows, colour_setting=self.colour, **props)


@dataclass(frozen=True, kw_only=True)
class Files:
    """A box for several uploaded files."""

    def make(self, ui: UiConfig, key: str, offers: Offers, props: Props) -> Component:
        """A field for several files."""
        return gr.File(file_count="multiple", file_types=["image"], interactive=True, **props)


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control. In `elem_id` and `where` stands {tab} for the name of the tab.

    Its key in ui-config.json is `where`, "/" and `key` (its label unless said otherwise). `infotext` is the label of
    the parameter that goes into it as it is, after `convert`.
    """

    name: str
    label: str
    elem_id: str
    kind: Kind
    where: str = "{tab}"
    key: str = ""
    infotext: str = ""
    convert: Callable[[Any], object] = str
    props: JsonMapping = field(default_factory=JsonObject)

    def make(self, tab: str, ui: UiConfig, offers: Offers) -> Component:
        """The component on `tab`."""
        props = {"label": self.label, "elem_id": self.elem_id.format(tab=tab), **self.props}
        return self.kind.make(ui, self.ui_key(tab), offers, props)

    def ui_key(self, tab: str) -> str:
        """Its key in ui-config.json, to which "/value" and its like are added."""
        return f"{self.where.format(tab=tab)}/{self.key or self.label}"
