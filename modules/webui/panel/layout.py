"""How the controls of a generation panel lie on its left side, section by section."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import gradio as gr

from modules.webui.panel import common
from modules.webui.panel.control import Control, Several
from modules.webui.panel.drawing import Drawing

SectionContent = Callable[[Drawing], None]

OVERRIDE_SETTINGS = Control(
    name="override_settings",
    label="Override settings",
    elem_id="{tab}_override_settings",
    kind=Several(choices=lambda offers: ()),
)


def draw_sections(drawing: Drawing, sections: Mapping[str, SectionContent]) -> None:
    """Draw the sections, in the order that the settings say: those they name first."""
    for name in ordered(list(sections), drawing.settings.ui_reorder_list):
        sections[name](drawing)
        for guest in drawing.guests:
            guest.draw(drawing.tab, name)


def ordered(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """`names` with those that `wanted` has first, in its order; capitals and outer blanks make no difference."""
    order = {name.strip().casefold(): place for place, name in reversed(list(enumerate(wanted)))}
    return sorted(names, key=lambda name: order.get(name.casefold(), len(order)))


def sampler(drawing: Drawing) -> None:
    """Sampling method, schedule and steps."""
    if not drawing.settings.samplers_in_dropdown:
        drawing.control(common.SAMPLER_BUTTONS)
    with gr.Row(elem_id=drawing.id("sampler_selection_{tab}"), elem_classes=["fields", "sampler-row"]):
        if drawing.settings.samplers_in_dropdown:
            drawing.control(common.SAMPLER)
        for control in (common.SCHEDULER, common.STEPS):
            drawing.control(control)


def dimensions(drawing: Drawing) -> None:
    """Size and batch, side by side."""
    with gr.Row(elem_classes=["size-and-batch", "fields"], equal_height=False):
        with gr.Column(elem_id=drawing.id("column_size"), scale=4, min_width=200):
            drawing.control(common.WIDTH)
            drawing.control(common.HEIGHT)
        with gr.Column(elem_id=drawing.id("dimensions_row"), scale=0, min_width=36, elem_classes=["swap-column"]):
            drawing.tool("swap_sizes", "⇅", "res_switch_btn")
            drawing.tool("aspect_lock", "🔗", "aspect_lock_btn")
        if drawing.settings.dimensions_and_batch_together:
            batch(drawing)
    batch_below(drawing)


def batch_below(drawing: Drawing) -> None:
    """The batch in a row of its own, where the settings do not want it beside the size."""
    if not drawing.settings.dimensions_and_batch_together:
        with gr.Row(elem_classes=["size-and-batch", "fields"]):
            batch(drawing)


def batch(drawing: Drawing) -> None:
    """The column with batch count and batch size."""
    with gr.Column(elem_id=drawing.id("column_batch"), scale=4, min_width=200):
        drawing.control(common.BATCH_COUNT)
        drawing.control(common.BATCH_SIZE)


def cfg(drawing: Drawing) -> None:
    """How closely the prompt is followed."""
    drawing.control(common.CFG_SCALE)


def seed(drawing: Drawing) -> None:
    """Seed and, where its switch asks for them, its variations."""
    with gr.Row(elem_id=drawing.id("seed_row"), elem_classes=["seed-row"]):
        drawing.control(common.SEED)
        drawing.tool("random_seed", "🎲️", "random_seed")
        drawing.tool("reuse_seed", "♻️", "reuse_seed")
        drawing.control(common.EXTRA)
    with gr.Group(elem_id=drawing.id("seed_extras"), elem_classes=["seed-extras"]):
        with gr.Row(elem_id=drawing.id("subseed_row"), elem_classes=["seed-row"]):
            drawing.control(common.SUBSEED)
            drawing.tool("random_subseed", "🎲️", "random_subseed")
            drawing.tool("reuse_subseed", "♻️", "reuse_subseed")
            drawing.control(common.SUBSEED_STRENGTH)
        with gr.Row(elem_id=drawing.id("seed_resize_from_row")):
            for control in common.SEED_RESIZE:
                drawing.control(control)


def override_settings(drawing: Drawing) -> None:
    """Settings for this picture alone; hidden while there are none."""
    with gr.Row(elem_id=drawing.id("override_settings_row"), elem_classes=["override-row"]):
        drawing.note(
            OVERRIDE_SETTINGS,
            gr.Dropdown(
                [],
                value=[],
                label=OVERRIDE_SETTINGS.label,
                elem_id=drawing.id("override_settings"),
                elem_classes=["override-settings"],
                multiselect=True,
                allow_custom_value=True,
                interactive=True,
                visible="hidden",
            ),
        )


def extra_options(drawing: Drawing) -> None:
    """Settings that the user wants beside the other controls; they hold for the pictures made here."""
    columns = drawing.settings.extra_options_cols
    elem_id = f"extra_options_{drawing.tab}"
    if not drawing.extra_options:
        gr.HTML("", elem_id=elem_id, visible="hidden")
        return
    folded = drawing.settings.extra_options_accordion
    with gr.Accordion("Options", open=False, elem_id=elem_id) if folded else gr.Column(elem_id=elem_id):
        for place in range(0, len(drawing.extra_options), columns):
            with gr.Row(elem_classes=["fields"]):
                for control in drawing.extra_options[place : place + columns]:
                    drawing.control(control)


def scripts(drawing: Drawing) -> None:
    """The place for what guests of the page bring."""


def refiner(drawing: Drawing) -> None:
    """Another checkpoint that takes over: a heading with a switch, which opens what belongs to it."""
    with gr.Column(elem_id=drawing.id("enable"), elem_classes=["switched-part"], min_width=160):
        drawing.control(common.REFINER)
        with gr.Row(elem_id=drawing.id("refiner_row"), elem_classes=["part-body", "fields"]):
            checkpoint(drawing, common.REFINER_CHECKPOINT)
            drawing.control(common.REFINER_SWITCH_AT)


def checkpoint(drawing: Drawing, control: Control) -> None:
    """A checkpoint's dropdown with its button."""
    with gr.Row(elem_classes=["with-refresh"]):
        drawing.control(control)
        elem_id = f"{control.elem_id.format(tab=drawing.tab)}_refresh"
        button = gr.Button("🔄", elem_id=elem_id, elem_classes=["tool", "refresh"])
        drawing.part(f"refresh_{control.name}", button)
