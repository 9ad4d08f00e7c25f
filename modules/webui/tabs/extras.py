"""The Extras tab: pictures that are there already, enlarged, their faces restored, one or a folder full."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.application.jobs.awaiting import result_of
from modules.application.jobs.extras import KIND, submit_extras
from modules.foundation.errors import EaselError
from modules.generation.extras import ExtrasResult
from modules.webui.builder import PageBuilder
from modules.webui.extras import controls as own
from modules.webui.extras.operations import operations
from modules.webui.extras.request import DrawnOperation, ExtrasTab, extras_files
from modules.webui.extras.results import failed, finished
from modules.webui.extras.wiring import wire_extras
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.guests import PanelGuests
from modules.webui.panel.inputs import Inputs
from modules.webui.panel.results import Shown, draw_results
from modules.webui.panel.running import RunButtons, tie_run
from modules.webui.panel.toprow import draw_run_buttons
from modules.webui.tab_bar import tab_rules

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.application.jobs.job import AnyJob


def build_extras(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    drawing = page.drawing(own.TAB)
    task = gr.Textbox("", elem_id="extras_task", visible="hidden")
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(elem_id="extras_settings", elem_classes=["settings-column"], scale=1, min_width=320):
            source = _draw_sources(page, drawing)
            drawn = _draw_operations(page, drawing)
        with gr.Column(elem_id="extras_side", scale=1, min_width=320):
            draw_run_buttons(drawing)
            results = draw_results(drawing, send_to=SEND_TO, keeps=False)
    tab = ExtrasTab(
        inputs=Inputs(
            tab=own.TAB, controls=drawing.controls, declared=drawing.declared, guests=PanelGuests(own.TAB, ())
        ),
        operations=drawn,
        parts=drawing.parts,
        results=results,
        task=task,
        source=source,
    )
    page.add_inputs(tab.inputs, KIND)
    page.when_drawn(lambda: _wire_run(page.app, tab))
    page.when_drawn(lambda: wire_extras(page, tab))


SEND_TO = {"img2img": "🖼️", "inpaint": "🎨️", "extras": "📐"}
"""Where a result can be sent."""


def _draw_sources(page: PageBuilder, drawing: Drawing) -> Component:
    drawing.control(own.CHOSEN_MODE)
    with gr.Column(elem_id=own.MODE, elem_classes=["sub-tabs"]):
        page.tab_bar(own.MODE, own.MODES, "Which pictures")
        single, batch, folder = (mode.elem_id for mode in own.MODES)
        with gr.Column(elem_id=single, elem_classes=["tabitem"]):
            drawing.control(own.IMAGE)
            source = gr.HTML("", elem_id="extras_source_info", apply_default_css=False)
        with gr.Column(elem_id=batch, elem_classes=["tabitem"]):
            drawing.control(own.FILES)
        with gr.Column(elem_id=folder, elem_classes=["tabitem"]):
            drawing.control(own.INPUT)
            drawing.control(own.OUTPUT)
            drawing.control(own.SHOW)
    return source


def _draw_operations(page: PageBuilder, drawing: Drawing) -> list[DrawnOperation]:
    drawn: list[DrawnOperation] = []
    with gr.Column(elem_id="extras_operations", elem_classes=["switched-parts"]):
        for operation in operations(page.app):
            drawn.append(DrawnOperation(operation=operation, components=operation.draw(drawing)))
    page.rules.append(tab_rules(own.RESIZE, own.RESIZES))
    return drawn


def _wire_run(app: Application, tab: ExtrasTab) -> None:
    count = len(tab.inputs.components)

    async def on_generate(task: str, *values: object) -> list[object]:
        named = tab.inputs.named(values[:count])
        try:
            sent_values = await asyncio.to_thread(extras_files, app, named, tab.operations, values[count:])
            job = await asyncio.to_thread(submit_extras, app, sent_values, task or None)
        except EaselError as error:
            return failed(error).updates()
        show = named["mode"] != "folder" or bool(named["show_results"])
        return (await _followed(job, show=show)).updates()

    async def on_restore(task: str) -> list[object]:
        return (await restored(app, task)).updates()

    buttons = RunButtons(tab=own.TAB, task=tab.task, parts=tab.parts, inputs=tab.components, outputs=tab.results.shown)
    tie_run(app, buttons, on_generate, on_restore)


async def restored(app: Application, task: str) -> Shown:
    """Come back to a run, also to one that has ended meanwhile, as long as it is remembered."""
    job = app.queue.find(task)
    return Shown() if job is None else await _followed(job)


async def _followed(job: AnyJob, *, show: bool = True) -> Shown:
    try:
        result = await result_of(job)
    except EaselError as error:
        return failed(error)
    if not isinstance(result, ExtrasResult):  # the API's extras answer their client alone
        return Shown()
    return await asyncio.to_thread(finished, result, show=show)
