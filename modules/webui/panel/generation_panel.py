"""A generation panel: everything of a tab that makes pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from modules.webui.panel.cards_area import GENERATION, draw_card_places, draw_card_tabs
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.guests import PanelGuests
from modules.webui.panel.inputs import Inputs
from modules.webui.panel.layout import SectionContent, draw_sections
from modules.webui.panel.results import Results, draw_results
from modules.webui.panel.toprow import draw_actions, draw_compact_prompts, draw_toprow


@dataclass(frozen=True, kw_only=True)
class GenerationPanel(Inputs):
    """The components that events are tied to.

    The controls decide the picture. `parts` are buttons and notes by name. `task` holds the name under which a run can
    be watched; the browser sets it when a button begins one. `guests` are those of the page, as far as they are on
    this tab.
    """

    parts: Mapping[str, Component]
    results: Results
    task: Component

    @property
    def inputs(self) -> list[Component]:
        """What Generate sends: the controls, then what guests of the page added."""
        return [*self.components, *self.guests.inputs]

    def sent_values(self, values: Sequence[object]) -> dict[str, object]:
        """The values of `inputs` by the control's name; under "added" the fields of a request that guests make."""
        count = len(self.controls)
        return {**self.named(values[:count]), "added": self.guests.fields(values[count:])}

    @property
    def pasted_into(self) -> list[Component]:
        """What may get values from the parameters of a picture."""
        return [*self.components, *self.guests.outputs]


def draw_panel(drawing: Drawing, sections: Mapping[str, SectionContent]) -> GenerationPanel:
    """Draw a panel with these sections on its left side."""
    # Its value is set by the browser when Generate is pressed.
    task = gr.Textbox("", elem_id=drawing.id("task"), visible="hidden")
    settings = drawing.settings
    compact = settings.compact_prompt_box
    folded = {"txt2img": settings.txt2img_settings_accordion, "img2img": settings.img2img_settings_accordion}[
        drawing.tab
    ]
    if not compact:
        draw_toprow(drawing)
    with gr.Column(elem_id=drawing.id("extra_tabs"), elem_classes=["extra-tabs"]):
        draw_card_tabs(drawing.tab, drawing.cards)
        with gr.Row(elem_id=drawing.id(GENERATION), elem_classes=["work-area", "tabitem"], equal_height=False):
            with gr.Column(elem_id=drawing.id("settings"), elem_classes=["settings-column"], scale=1, min_width=320):
                if compact:
                    draw_compact_prompts(drawing)
                if folded:
                    with gr.Accordion("Settings", open=False, elem_id=drawing.id("settings_accordion")):
                        draw_sections(drawing, sections)
                else:
                    draw_sections(drawing, sections)
            results = draw_results(drawing, above=draw_actions if compact else None)
        draw_card_places(drawing.tab, drawing.cards)
    return GenerationPanel(
        tab=drawing.tab,
        controls=drawing.controls,
        declared=drawing.declared,
        parts=drawing.parts,
        results=results,
        task=task,
        guests=PanelGuests(drawing.tab, drawing.guests),
    )


def state_rules(tab: str) -> str:
    """The style rules for what a run of this tab shows and hides; its state is set by static/progress.js."""
    running, stopping = (f"html[data-{tab}-state='{state}']" for state in ("running", "interrupting"))
    return (
        f"#{tab}_interrupt, #{tab}_skip, #{tab}_interrupting, {running} #{tab}_generate, {stopping} #{tab}_generate "
        "{ display: none }\n"
        f"{running} #{tab}_interrupt, {running} #{tab}_skip, {stopping} #{tab}_interrupting {{ display: flex }}\n"
        f"@media (max-width: 900px) {{ {running} #{tab}_results, {stopping} #{tab}_results {{ order: -1 }} }}\n"
    )
