"""The History tab: every picture that was made, searched, marked, thrown away, packed and sent back to the other tabs.

The grid is drawn in the browser (static/history.js), which asks the API for the part that is seen; 100,000 pictures are
one list of numbers. What is sent to another tab goes through the buttons here, as the gallery's does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from modules.application.history import from_file
from modules.generation.result import FinishedImage
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.extras import controls as extras_controls
from modules.webui.extras.wiring import OPENED as EXTRAS_OPENED
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.sending import sent_picture
from modules.webui.paste.events import pasted
from modules.webui.pictures import as_file

if TYPE_CHECKING:
    from modules.application.application import Application

MODES = ("img2img", "inpaint")
"""Where the picture itself goes, with its settings; to txt2img go the settings alone."""


def build_history(page: PageBuilder) -> None:
    """Draw the History tab."""
    gr.HTML('<div id="easel_history"></div>', elem_id="history_container", apply_default_css=False)
    chosen = gr.Textbox("", elem_id="history_chosen", visible="hidden")
    send = gr.Button("Send to txt2img", elem_id="history_send_to_txt2img", visible="hidden")
    modes = {name: gr.Button(f"Send to {name}", elem_id=f"history_send_to_{name}", visible="hidden") for name in MODES}
    extras = gr.Button("Send to extras", elem_id="history_send_to_extras", visible="hidden")
    page.when_drawn(lambda: _wire(page, chosen, send, modes))
    page.when_drawn(lambda: _wire_extras(page, chosen, extras))


def _wire(page: PageBuilder, chosen: gr.Textbox, send: gr.Button, modes: dict[str, gr.Button]) -> None:
    words, pictures = page.panels["txt2img"], page.panels["img2img"]
    script = "() => easel.historyChosen()"

    def on_words(number: str) -> list[object]:
        return pasted(page.app, words, _infotext(page.app, number))

    def on_picture(number: str, mode: str) -> list[object]:
        return _sent(page.app, number, mode, pictures)

    on(send, "click", on_words, [chosen], words.pasted_into, js=script, then="() => easel.openTab('txt2img')")
    for name, button in modes.items():

        def on_send(number: str, mode: str = name) -> list[object]:
            return on_picture(number, mode)

        opened = "() => easel.openTab('img2img')"
        on(button, "click", on_send, [chosen], pictures.pasted_into, js=script, then=opened)


def _wire_extras(page: PageBuilder, chosen: gr.Textbox, button: gr.Button) -> None:
    image = page.inputs["extras"].controls[extras_controls.IMAGE.name]

    def on_send(number: str) -> object:
        picture = _picture(page.app, number)
        return gr.skip() if picture is None else str(as_file(picture))

    on(button, "click", on_send, [chosen], [image], js="() => easel.historyChosen()", then=EXTRAS_OPENED)


def _infotext(app: Application, number: str) -> str:
    kept = next(iter(app.jobs.recorder.history.with_numbers([_whole(number)])), None)
    if kept is None:
        gr.Warning("This picture is no longer in the history.", title="Nothing to send")
    return kept.infotext if kept is not None else ""


def _sent(app: Application, number: str, mode: str, target: GenerationPanel) -> list[object]:
    """Updates of all that may be pasted into on img2img: the picture, its settings and size, and the sub tab."""
    picture = _picture(app, number)
    if picture is None:
        return [gr.skip() for _ in target.pasted_into]
    return sent_picture(app, picture, picture.infotext, mode, target)


def _picture(app: Application, number: str) -> FinishedImage | None:
    """The picture with its file; None, and a word about it, where that cannot be read."""
    kept = next(iter(app.jobs.recorder.history.with_numbers([_whole(number)])), None)
    picture = from_file(kept) if kept is not None else None
    if picture is None:
        gr.Warning("The file of this picture is gone, or cannot be read.", title="Nothing to send")
    return picture


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 17 else -1
