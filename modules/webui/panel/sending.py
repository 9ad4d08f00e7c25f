"""Sending a picture of the gallery, with its settings, to a tab that begins with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.infotexts import parameters_of
from modules.foundation.errors import EaselError
from modules.generation.result import FinishedImage
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.extras import controls as extras_controls
from modules.webui.extras.wiring import OPENED as EXTRAS_OPENED
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.info_text import text_of_picture
from modules.webui.panel.results import SEND_TO
from modules.webui.panel.sizes import sent_size
from modules.webui.panel.upscale import shown_picture
from modules.webui.paste.values import has_parameters, pasted_values
from modules.webui.pictures import as_file

if TYPE_CHECKING:
    from modules.application.application import Application

NOT_SENT = ("styles", "batch_size", "enable_hr", "enable_refiner")
"""What stays as it is where a picture is sent."""


def wire_sending(page: PageBuilder, panel: GenerationPanel) -> None:
    """Tie the buttons under the gallery of `panel` that send to img2img."""
    target = page.panels.get("img2img")
    if target is None:
        return
    app, results = page.app, panel.results
    _wire_extras(page, panel)
    for mode in SEND_TO:

        def on_send(info: str, selected: int, mode: str = mode) -> list[object]:
            return sent(app, info, selected, mode, target)

        on(
            panel.parts[f"send_to_{mode}"],
            "click",
            on_send,
            [results.generation_info, results.selected],
            target.pasted_into,
            then="() => easel.openTab('img2img')",
        )


def _wire_extras(page: PageBuilder, panel: GenerationPanel) -> None:
    """The button that sends the picture that is shown to the Extras tab."""
    image = page.inputs["extras"].controls[extras_controls.IMAGE.name]

    def on_send(info: str, selected: int) -> object:
        try:
            return str(as_file(shown_picture(page.app, info, selected)))
        except EaselError as error:
            gr.Warning(str(error), title="Nothing to send")
            return gr.skip()

    shown = [panel.results.generation_info, panel.results.selected]
    on(panel.parts["send_to_extras"], "click", on_send, shown, [image], then=EXTRAS_OPENED)


def sent(app: Application, info: str, selected: int, mode: str, target: GenerationPanel) -> list[object]:
    """Updates of all that may be pasted into on img2img: the picture that is shown, its settings, and the sub tab."""
    try:
        picture = shown_picture(app, info, selected)
    except EaselError as error:
        gr.Warning(str(error), title="Nothing to send")
        return [gr.skip() for _ in target.pasted_into]
    return sent_picture(app, picture, text_of_picture(info, selected), mode, target)


def sent_picture(
    app: Application, picture: FinishedImage, text: str, mode: str, target: GenerationPanel
) -> list[object]:
    """Updates of all that may be pasted into on img2img, from a picture and its parameters `text`."""
    settings = app.settings.current
    values = pasted_values(text, app, target.declared)
    kept = {"width", "height"} if not settings.send_size else set[str]()
    kept |= {"seed", "subseed", "subseed_strength", "extra"} if not settings.send_seed else set()
    path: Path = as_file(picture)
    if settings.send_size:
        values |= sent_size(app, picture.image.size, target)
    values = {name: value for name, value in values.items() if name not in kept and name not in NOT_SENT}
    own_updates = target.updates({**values, own.PICTURES[mode].name: str(path), "mode": mode})
    parameters = parameters_of(text, app) if target.guests.outputs and has_parameters(text) else {}
    return [*own_updates, *target.guests.sent(parameters)]
