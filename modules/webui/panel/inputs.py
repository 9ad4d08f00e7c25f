"""The controls of a tab: what is sent to the server, kept over reloads, and given new values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from modules.webui.panel.control import Choice, ChoiceButtons, Control, Kind, Offers, Several, offered_again
from modules.webui.panel.guests import PanelGuests


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`controls` by their name, in the order in which their values are sent; `declared` are their declarations.

    `guests` are those that have controls of their own on the tab.
    """

    tab: str
    controls: Mapping[str, Component]
    declared: Mapping[str, Control]
    guests: PanelGuests

    @property
    def components(self) -> list[Component]:
        """The controls in order."""
        return list(self.controls.values())

    def named(self, values: Sequence[object]) -> dict[str, object]:
        """Values of all controls, in order, by the control's name."""
        return dict(zip(self.controls, values, strict=True))

    def updates(self, values: Mapping[str, object]) -> list[object]:
        """Answers of an event whose outputs are all controls: new values where `values` has one."""
        return [_update(name, values[name]) if name in values else gr.skip() for name in self.controls]

    @property
    def changing(self) -> list[Control]:
        """The dropdowns whose choices are read again when the page is opened."""
        return [
            control
            for control in self.declared.values()
            if isinstance(control.kind, Choice | Several) and control.kind.changing
        ]

    @property
    def changing_components(self) -> list[Component]:
        """The components of the controls that change."""
        return [self.controls[control.name] for control in self.changing]

    def offered(self, offers: Offers) -> list[Sequence[str]]:
        """What each of the `changing` dropdowns offers."""
        kinds = [control.kind for control in self.changing]
        return [kind.choices(offers) for kind in kinds if isinstance(kind, Choice | Several)]

    def lists(self, offers: Offers, chosen: Sequence[object]) -> list[object]:
        """The `changing` dropdowns with what is offered. What was `chosen` stays chosen where it is still offered."""
        kinds = [control.kind for control in self.changing]
        return [_offered(kind, offers, value) for kind, value in zip(kinds, chosen, strict=True)]


def _offered(kind: Kind, offers: Offers, chosen: object) -> gr.Dropdown | gr.Radio:
    assert isinstance(kind, Choice | Several)
    choices = list(kind.choices(offers))
    if isinstance(kind, Several):
        kept = [name for name in chosen if name in choices] if isinstance(chosen, list) else []
        return gr.Dropdown(choices=choices, value=kept, multiselect=True)
    otherwise = kind.value if kind.value in choices else next(iter(choices), None)
    drawn = gr.Radio if isinstance(kind, ChoiceButtons) else gr.Dropdown
    again = offered_again(chosen, choices)
    return drawn(choices=choices, value=otherwise if again is None else again)


def _update(name: str, value: object) -> object:
    if name == "override_settings":
        # An empty box of overrides would only puzzle.
        return gr.update(value=value, choices=value, visible=True if value else "hidden")
    return gr.update(value=value)
