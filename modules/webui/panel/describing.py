"""The buttons of img2img that write words for the picture into the prompt, or captions for a batch of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.jobs.awaiting import result_of
from modules.application.jobs.interrogate import submit_captions, submit_interrogation
from modules.foundation.errors import EaselError
from modules.generation.captions import CaptionResult
from modules.webui.events import Act, on
from modules.webui.panel.control_values import ControlValues
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.img2img_request import caption_files
from modules.webui.panel.img2img_source import plain_picture

if TYPE_CHECKING:
    from modules.application.application import Application

MODELS = {"interrogate": "clip", "deepbooru": "deepdanbooru"}
"""Which model each of the buttons asks."""


def wire_describing(app: Application, panel: GenerationPanel) -> None:
    """Connect both interrogation buttons to the prompt they fill in."""
    for name, model in MODELS.items():
        act = _describe(app, panel, model)
        on(panel.parts[name], "click", act, panel.inputs, [panel.controls["prompt"]], waits=True)


def _describe(app: Application, panel: GenerationPanel, model: str) -> Act:
    async def describe(*values: object) -> object:
        named = panel.sent_values(values)
        try:
            return await described(app, named, model)
        except EaselError as error:
            raise gr.Error(str(error), title="No words for the picture", print_exception=False) from error

    return describe


async def described(app: Application, values: Mapping[str, object], model: str) -> object:
    """The words for the picture of the open sub tab; on that of batches, nothing for the prompt. Raises EaselError."""
    controls = ControlValues(values)
    if controls.text("mode") == "batch":
        app.captioners.find(model)
        request = await asyncio.to_thread(caption_files, app, controls, model)
        result = await result_of(await asyncio.to_thread(submit_captions, app, request))
        gr.Info(summary(result), title="Captions")
        return gr.skip()
    app.captioners.find(model)
    picture = await asyncio.to_thread(plain_picture, controls)
    return await result_of(await asyncio.to_thread(submit_interrogation, app, picture, model))


def summary(result: CaptionResult) -> str:
    """What came of a batch, in a sentence or two."""
    where = f" into {result.written[0].parent}" if result.written else ""
    text = f"Captions for {len(result.written)} of {result.total} pictures were written{where}."
    if result.failed:
        path, reason = result.failed[0]
        text += f" {len(result.failed)} failed, {path.name} the first: {reason}"
    return text
