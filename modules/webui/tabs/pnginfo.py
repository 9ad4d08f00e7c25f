"""The PNG Info tab: what a picture says about how it was made."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.history_import import parameters_of_pixels
from modules.foundation.errors import EaselError
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.extras import controls as extras_controls
from modules.webui.extras.wiring import OPENED as EXTRAS_OPENED
from modules.webui.extras.wiring import picture_values
from modules.webui.paste.events import pasted, read_file
from modules.webui.paste.values import has_parameters
from modules.webui.picture_file_box import PictureFileBox, picture_file_box

if TYPE_CHECKING:
    from modules.application.application import Application

SENT_TO = ("txt2img", "img2img", "inpaint", "extras")
"""Where what is here goes: to txt2img the parameters, to Extras the picture, to the others both."""

EMPTY = '<p class="hint">Drop a picture on the box to read the words and settings it was made with.</p>'


def build_pnginfo(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(scale=1, min_width=320):
            image = picture_file_box(label="Source", elem_id="pnginfo_image", height="60vh")
        with gr.Column(scale=1, min_width=320, elem_id="pnginfo_results"):
            html_info = gr.HTML(EMPTY, elem_id="pnginfo_html_info")
            text = gr.Textbox("", elem_id="pnginfo_generation_info", visible="hidden")
            with gr.Row(elem_id="pnginfo_send_row"):
                send = {tab: _send_button(tab) for tab in SENT_TO}
    outputs = [html_info, text, *send.values()]
    on(image, "change", lambda path: on_picture(page.app, path), [image], outputs)
    page.when_drawn(lambda: _wire_sending(page, image, text, send))


def _send_button(tab: str) -> gr.Button:
    return gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab", interactive=False, scale=0, min_width=180)


def _wire_sending(page: PageBuilder, image: PictureFileBox, text: gr.Textbox, send: dict[str, gr.Button]) -> None:
    words, target = page.panels["txt2img"], page.panels["img2img"]
    extras = page.inputs["extras"].controls[extras_controls.IMAGE.name]

    def on_words(text: str) -> list[object]:
        return pasted(page.app, words, text)

    on(send["txt2img"], "click", on_words, [text], words.pasted_into, then="() => easel.openTab('txt2img')")
    for mode in ("img2img", "inpaint"):

        def on_both(path: str | None, text: str, mode: str = mode) -> list[object]:
            values = picture_values(page.app, Path(path), mode, target) if path else {}
            return pasted(page.app, target, text, values)

        opened = "() => easel.openTab('img2img')"
        on(send[mode], "click", on_both, [image, text], target.pasted_into, then=opened)
    on(send["extras"], "click", lambda path: path, [image], [extras], then=EXTRAS_OPENED)


def on_picture(app: Application, path: str | None) -> tuple[object, ...]:
    """What a picture says, or what the history knows of one that has lost its parameters: HTML, text, buttons."""
    if not path:
        return EMPTY, "", *_sendable(False, picture=False)
    try:
        carried = read_file(Path(path))
    except EaselError as error:
        return f'<p class="note error">{html.escape(str(error))}</p>', "", *_sendable(False, picture=False)
    text = carried.infotext or ""
    name = "parameters"
    if not has_parameters(text) and (known := parameters_of_pixels(app, Path(path))):
        name, text = (
            "parameters, from the history: the file does not say how it was made, but its pixels are known",
            known,
        )
    shown = ({name: text} if text else {}) | carried.others
    body = items_html(shown) or f'<p class="note quiet">{html.escape(carried.why_nothing)}</p>'
    return body, text, *_sendable(has_parameters(text))


def _sendable(words: bool, *, picture: bool = True) -> list[gr.Button]:
    return [gr.Button(interactive=words if tab == "txt2img" else picture) for tab in SENT_TO]


def items_html(items: dict[str, str]) -> str:
    """Named texts of a picture, one under the other."""
    return "".join(
        f'<div class="infotext"><h3>{html.escape(name)}</h3><p>{html.escape(text)}</p></div>'
        for name, text in items.items()
    )
