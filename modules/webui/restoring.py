"""Restoring settings from parameters: the arrow beside the prompts, a picture dropped on them, the PNG Info tab."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.foundation.errors import EaselError
from modules.infotext.carriers import Carried, read_carried
from modules.webui.paste import control_updates, has_parameters
from modules.webui.pnginfo import EMPTY, items_html

if TYPE_CHECKING:
    from modules.application.application import Application
    from modules.webui.pnginfo import PngInfoPanel
    from modules.webui.txt2img import Txt2ImgPanel

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def wire_pasting(app: Application, panel: Txt2ImgPanel, pnginfo: PngInfoPanel) -> None:
    """Tie all ways by which parameters come back into the controls."""
    _wire_arrow(app, panel)
    _wire_dropped_picture(app, panel)
    _wire_pnginfo(app, panel, pnginfo)


def _wire_arrow(app: Application, panel: Txt2ImgPanel) -> None:
    def on_paste(words: str) -> list[Any]:
        text = words.strip() or last_parameters(app)
        if not has_parameters(text):
            gr.Info(
                "Paste the parameters of a picture into the prompt first, then press the arrow.",
                title="Nothing to read",
            )
        return control_updates(text, app)

    panel.top.paste.click(on_paste, [panel.controls.prompt], panel.controls.components, **QUIET)


def _wire_dropped_picture(app: Application, panel: Txt2ImgPanel) -> None:
    def on_drop(path: str | None) -> list[Any]:
        text = ""
        if path:
            try:
                text = read_file(Path(path)).infotext or ""
            except EaselError as error:
                gr.Warning(str(error), title="This file cannot be read")
            else:
                if not has_parameters(text):
                    gr.Warning("This picture does not say how it was made.", title="No parameters")
        return control_updates(text, app)

    panel.top.prompt_file.upload(on_drop, [panel.top.prompt_file], panel.controls.components, **QUIET)


def _wire_pnginfo(app: Application, panel: Txt2ImgPanel, pnginfo: PngInfoPanel) -> None:
    def on_picture(path: str | None) -> tuple[Any, ...]:
        if not path:
            return EMPTY, "", gr.Button(interactive=False)
        try:
            carried = read_file(Path(path))
        except EaselError as error:
            return f'<p class="note error">{html.escape(str(error))}</p>', "", gr.Button(interactive=False)
        text = carried.infotext or ""
        shown = ({"parameters": text} if text else {}) | carried.others
        body = items_html(shown) or '<p class="note quiet">This picture does not say how it was made.</p>'
        return body, text, gr.Button(interactive=has_parameters(text))

    def on_send(text: str) -> list[Any]:
        return control_updates(text, app)

    pnginfo.image.change(
        on_picture, [pnginfo.image], [pnginfo.html_info, pnginfo.generation_info, pnginfo.send], **QUIET
    )
    pnginfo.send.click(on_send, [pnginfo.generation_info], panel.controls.components, **QUIET).then(
        None, js="() => easel.openTab('txt2img')"
    )


def read_file(path: Path) -> Carried:
    """What a picture says, or a text file in its place. Raises EaselError if it can be read as neither."""
    if path.suffix.casefold() == ".txt":
        return Carried(infotext=path.read_text(encoding="utf-8", errors="replace"))
    return read_carried(path)


def last_parameters(app: Application) -> str:
    """The parameters of the newest picture of the running program; "" when there is none."""
    result = app.queue.last_result
    return result.images[0].infotext if result and result.images else ""
