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
from modules.webui.extras.wiring import picture_for_img2img
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.paste.events import pasted, read_file
from modules.webui.paste.values import has_parameters

if TYPE_CHECKING:
    from modules.application.application import Application

SENT_TO = ("txt2img", "img2img")
PICTURE_SENT_TO = ("inpaint", "extras")
"""Where the picture itself goes."""

EMPTY = '<p class="hint">Drop a picture on the box to read the words and settings it was made with.</p>'


def build_pnginfo(page: PageBuilder) -> None:
    """Draw the tab and wire its events."""
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(scale=1, min_width=320):
            image = gr.Image(
                label="Source",
                elem_id="pnginfo_image",
                sources=["upload", "clipboard"],
                type="filepath",
                image_mode=None,  # the file itself: a converted copy would have no parameters
                buttons=[],
                height="60vh",
                interactive=True,
            )
        with gr.Column(scale=1, min_width=320, elem_id="pnginfo_results"):
            html_info = gr.HTML(EMPTY, elem_id="pnginfo_html_info")
            text = gr.Textbox("", elem_id="pnginfo_generation_info", visible="hidden")
            with gr.Row(elem_id="pnginfo_send_row"):
                send = {tab: _send_button(tab) for tab in SENT_TO}
                pictures = {tab: _send_button(tab) for tab in PICTURE_SENT_TO}
    outputs = [html_info, text, *send.values(), *pictures.values()]
    on(image, "change", lambda path: on_picture(page.app, path), [image], outputs)
    page.when_drawn(lambda: _wire_sending(page, text, send))
    page.when_drawn(lambda: _wire_pictures(page, image, pictures))


def _send_button(tab: str) -> gr.Button:
    return gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab", interactive=False, scale=0, min_width=180)


def _wire_sending(page: PageBuilder, text: gr.Textbox, send: dict[str, gr.Button]) -> None:
    for tab, button in send.items():
        panel = page.panels[tab]

        def on_send(text: str, panel: GenerationPanel = panel) -> list[object]:
            return pasted(page.app, panel, text)

        on(button, "click", on_send, [text], panel.pasted_into, then=f"() => easel.openTab('{tab}')")


def _wire_pictures(page: PageBuilder, image: gr.Image, buttons: dict[str, gr.Button]) -> None:
    """The buttons that send the picture itself, to be painted in or enlarged."""
    target, extras = page.panels["img2img"], page.inputs["extras"].controls[extras_controls.IMAGE.name]

    def on_inpaint(path: str | None) -> list[object]:
        return picture_for_img2img(page.app, Path(path), "inpaint", target) if path else target.updates({})

    opened = "() => easel.openTab('img2img')"
    on(buttons["inpaint"], "click", on_inpaint, [image], target.components, then=opened)
    on(buttons["extras"], "click", lambda path: path, [image], [extras], then=EXTRAS_OPENED)


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
    body = items_html(shown) or '<p class="note quiet">This picture does not say how it was made.</p>'
    return body, text, *_sendable(has_parameters(text))


def _sendable(sendable: bool, *, picture: bool = True) -> list[gr.Button]:
    enabled = [*(sendable for _ in SENT_TO), *(picture for _ in PICTURE_SENT_TO)]
    return [gr.Button(interactive=each) for each in enabled]


def items_html(items: dict[str, str]) -> str:
    """Named texts of a picture, one under the other."""
    return "".join(
        f'<div class="infotext"><h3>{html.escape(name)}</h3><p>{html.escape(text)}</p></div>'
        for name, text in items.items()
    )
