"""The Checkpoint Merger tab: a checkpoint made of others, in the queue, with the recipe told before."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.application.jobs.awaiting import result_of
from modules.application.merging import model_metadata, submit_merge
from modules.checkpoints.merge.merge import Merged
from modules.foundation.errors import EaselError
from modules.webui.builder import PageBuilder, offers
from modules.webui.events import on, on_any_change
from modules.webui.merger import controls as own
from modules.webui.merger.request import formula_html, merge_recipe
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.guests import PanelGuests
from modules.webui.panel.inputs import Inputs
from modules.webui.panel.running import RunButtons, tie_run
from modules.webui.quicksettings import checkpoint_state

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.application.jobs.job import AnyJob

NOTED = ("models", "custom_name", "discard_weights", "metadata_json")
"""The fields beside which an error stands; all others are named under the button."""


EMPTY = '<p class="hint">Choose a model A, and what is to be mixed into it: the recipe stands here then.</p>'


def build_modelmerger(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    drawing = page.drawing(own.TAB)
    task = gr.Textbox("", elem_id="modelmerger_task", visible="hidden")
    notes: dict[str, Component] = {}
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(elem_id="modelmerger_settings", elem_classes=["settings-column"], scale=1, min_width=320):
            _draw_models(drawing, notes)
            _draw_rest(drawing, notes)
        with gr.Column(elem_id="modelmerger_results_container", scale=1, min_width=320):
            formula = gr.HTML(EMPTY, elem_id="modelmerger_interp_description", apply_default_css=False)
            _draw_buttons(drawing)
            with gr.Group(elem_id="modelmerger_results_panel"):
                result = gr.HTML("", elem_id="modelmerger_result", apply_default_css=False)
    inputs = Inputs(tab=own.TAB, controls=drawing.controls, declared=drawing.declared, guests=PanelGuests(own.TAB, ()))
    page.add_inputs(inputs, "merge")
    states = [f"html[data-{own.TAB}-state='{state}'] #modelmerger_merge" for state in ("running", "interrupting")]
    page.rules.append(f"{', '.join(states)} {{ display: none }}\n")
    outputs = [result, *notes.values()]
    page.when_drawn(lambda: _wire_run(page, drawing.parts, task, inputs, outputs))
    page.when_drawn(lambda: _wire_small(page, drawing.parts, inputs, formula, notes["metadata_json"]))


def _draw_models(drawing: Drawing, notes: dict[str, Component]) -> None:
    with gr.Row(elem_id="modelmerger_models", elem_classes=["fields"]):
        for control, letter in zip(own.MODELS, "ABC", strict=True):
            with gr.Row(elem_classes=["with-refresh"]):
                drawing.control(control)
                button = gr.Button("🔄", elem_id=f"refresh_checkpoint_{letter}", elem_classes=["tool", "refresh"])
                drawing.part(f"refresh_{letter}", button)
    notes["models"] = _note("models")
    drawing.control(own.METHOD)
    drawing.control(own.MULTIPLIER)
    drawing.control(own.CUSTOM_NAME)
    notes["custom_name"] = _note("custom_name")


def _draw_rest(drawing: Drawing, notes: dict[str, Component]) -> None:
    with gr.Row(elem_classes=["fields"]):
        drawing.control(own.FORMAT)
        drawing.control(own.HALF)
    drawing.control(own.CONFIG)
    with gr.Row(elem_classes=["with-refresh"]):
        drawing.control(own.VAE)
        button = gr.Button("🔄", elem_id="modelmerger_refresh_bake_in_vae", elem_classes=["tool", "refresh"])
        drawing.part("refresh_vae", button)
    drawing.control(own.DISCARD)
    notes["discard_weights"] = _note("discard_weights")
    with gr.Accordion("Metadata", open=False, elem_classes=["part-more"]):
        drawing.control(own.SAVE_METADATA)
        drawing.control(own.ADD_RECIPE)
        drawing.control(own.COPY_METADATA)
        drawing.control(own.METADATA)
        arguments = drawing.ui.button("modelmerger/Read metadata from selected checkpoints")
        drawing.part("read", gr.Button("Read metadata from selected checkpoints", size="sm", **arguments))
    notes["metadata_json"] = _note("metadata_json")
    drawing.control(own.REPLACE)
    drawing.control(own.CHOOSE)


def _note(name: str) -> gr.HTML:
    return gr.HTML("", elem_id=f"modelmerger_note_{name}", elem_classes=["field-note"], apply_default_css=False)


def _draw_buttons(drawing: Drawing) -> None:
    with gr.Row(elem_id="modelmerger_merge_box", elem_classes=["generate-box"]):
        for name, label in (("interrupt", "Interrupt"), ("interrupting", "Interrupting...")):
            drawing.part(name, gr.Button(label, elem_id=f"modelmerger_{name}", variant="stop"))
        arguments = drawing.ui.button("modelmerger/Merge")
        merge = gr.Button("Merge", elem_id="modelmerger_merge", variant="primary", **arguments)
        drawing.part("generate", merge)
        back = gr.Button("🌀", elem_id="modelmerger_restore_progress", visible="hidden")
        drawing.part("restore_progress", back)


def _wire_run(
    page: PageBuilder, parts: Mapping[str, Component], task: Component, inputs: Inputs, outputs: list[Component]
) -> None:
    app = page.app
    lists = [page.quick.checkpoint, *inputs.changing_components]

    async def on_merge(task: str, *values: object) -> list[object]:
        named = inputs.named(values)
        try:
            app.policy.check_files("Merging checkpoints")
            recipe = await asyncio.to_thread(merge_recipe, app, named)
            overwrite = bool(named["overwrite"])
            job = await asyncio.to_thread(submit_merge, app, recipe, overwrite=overwrite, job_id=task or None)
        except EaselError as error:
            return [*_failed(error), *(gr.skip() for _ in lists)]
        return [*await _followed(app, job, choose=bool(named["choose"])), *_lists(app, inputs, named)]

    async def on_restore(task: str) -> list[object]:
        job = app.queue.find(task)
        if job is None:
            return [gr.skip() for _ in (*outputs, *lists)]
        return [*await _followed(app, job, choose=False), *_lists(app, inputs)]

    buttons = RunButtons(tab=own.TAB, task=task, parts=parts, inputs=inputs.components, outputs=[*outputs, *lists])
    tie_run(app, buttons, on_merge, on_restore)


def _lists(app: Application, inputs: Inputs, chosen: Mapping[str, object] | None = None) -> list[object]:
    """The checkpoint of the page, and the dropdowns of the tab with what is there now; `chosen` stays chosen."""
    if chosen is not None:
        lists = inputs.lists(offers(app), [chosen[control.name] for control in inputs.changing])
    else:
        lists = [gr.Dropdown(choices=list(choices)) for choices in inputs.offered(offers(app))]
    return [gr.Dropdown(**checkpoint_state(app)), *lists]


async def _followed(app: Application, job: AnyJob, *, choose: bool) -> list[object]:
    try:
        merged = await result_of(job)
    except EaselError as error:
        return _failed(error)
    if not isinstance(merged, Merged):
        return [gr.skip(), *("" for _ in NOTED)]
    text = f"Checkpoint saved to {merged.path}: {merged.size / 2**30:.2f} GiB, {merged.tensors} tensors."
    if choose:
        try:
            info = await asyncio.to_thread(app.select_checkpoint, str(merged.path))
            text += f" It is the checkpoint now: {info.title}."
        except EaselError as error:
            return _failed(error)
    return [f'<p class="note quiet">{html.escape(text)}</p>', *("" for _ in NOTED)]


def _failed(error: EaselError) -> list[object]:
    """The error beside its field, or under the button where it belongs to none."""
    field = getattr(error, "field", None)
    place = "models" if field and field.endswith("_model_name") else field
    shown = f'<p class="note error">{html.escape(str(error))}</p>'
    return ["" if place in NOTED else shown, *(shown if name == place else "" for name in NOTED)]


def _wire_small(
    page: PageBuilder, parts: Mapping[str, Component], inputs: Inputs, formula: Component, note: Component
) -> None:
    app = page.app
    names = [*(control.name for control in own.MODELS), "multiplier", "interp_method", "custom_name"]
    names += ["checkpoint_format", "config_source", "metadata_json", "bake_in_vae", "discard_weights"]
    components = [inputs.controls[name] for name in names]

    def on_change(*values: object) -> str:
        return formula_html(app, dict(zip(names, values, strict=True)))

    on_any_change(components, on_change, components, [formula])
    changing = inputs.changing_components

    def on_refresh(*chosen: object) -> list[object]:
        app.catalogue.refresh()
        app.library.refresh()
        return inputs.lists(offers(app), chosen)

    for name in ("refresh_A", "refresh_B", "refresh_C", "refresh_vae"):
        on(parts[name], "click", on_refresh, changing, changing)

    def on_read(*names: str) -> tuple[object, str]:
        try:
            found = model_metadata(app, [name for name in names if name])
        except EaselError as error:
            return gr.skip(), f'<p class="note error">{html.escape(str(error))}</p>'
        return json.dumps(found, indent=2, ensure_ascii=False), ""

    models = [inputs.controls[control.name] for control in own.MODELS]
    on(parts["read"], "click", on_read, models, [inputs.controls["metadata_json"], note])
