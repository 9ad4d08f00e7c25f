"""Drawing a generation panel: controls by their declaration, buttons by their name, all noted for the wiring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from modules.application.cards import CardPage
from modules.application.page_guests import PageGuest
from modules.settings.model import Settings
from modules.webui.panel.control import Control, Offers
from modules.webui.ui_config import UiConfig


class Drawing:
    """A panel that is being drawn on `tab`. Controls are sent in the order in which they are drawn."""

    def __init__(
        self,
        tab: str,
        ui: UiConfig,
        settings: Settings,
        offers: Offers,
        guests: Sequence[PageGuest] = (),
        *,
        cards: Sequence[CardPage] = (),
        extra_options: Sequence[Control] = (),
    ) -> None:
        self.tab, self.ui, self.settings, self.offers = tab, ui, settings, offers
        self.guests, self.cards, self.extra_options = guests, cards, extra_options
        self.controls: dict[str, Component] = {}
        self.declared: dict[str, Control] = {}
        self.parts: dict[str, Component] = {}

    def id(self, name: str) -> str:
        """The id of an element of this tab: {tab}_{name}, or `name` with the tab put in for {tab}."""
        return name.format(tab=self.tab) if "{tab}" in name else f"{self.tab}_{name}"

    def control(self, control: Control) -> Component:
        """Draw a declared control here."""
        component = control.make(self.tab, self.ui, self.offers)
        self.controls[control.name], self.declared[control.name] = component, control
        return component

    def note(self, control: Control, component: Component) -> Component:
        """Take a component for `control` that was drawn otherwise."""
        self.controls[control.name], self.declared[control.name] = component, control
        return component

    def part(self, name: str, component: Component) -> Component:
        """Note a component that events are tied to and that is no control."""
        self.parts[name] = component
        return component

    def tool(self, name: str, sign: str, elem_id: str, **props: Any) -> Component:
        """A small button that shows only a sign; static/names.js says what it does."""
        arguments = self.ui.button(f"{self.tab}/{sign}")
        return self.part(name, gr.Button(sign, elem_id=self.id(elem_id), elem_classes=["tool"], **arguments, **props))
