"""Buttons of extensions that send a picture or a text to the program's own tabs: tied once the page is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component
from PIL import Image

from modules.a1111.sending import (
    ParamBinding,
    connect_paste_params_buttons,
    image_from_url_text,
    registered_param_bindings,
)
from modules.foundation.errors import EaselError
from modules.generation.result import FinishedImage
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.panel.sending import sent_picture
from modules.webui.paste.events import pasted

if TYPE_CHECKING:
    from modules.webui.panel.generation_panel import GenerationPanel

MODES = {"img2img": "img2img", "inpaint": "inpaint", "sketch": "sketch"}
"""A1111's names of what pictures are sent to -> the sub tab of img2img."""

SELECTED = "(gallery, ...rest) => [extract_image_from_gallery(gallery), ...rest]"
"""Sends the picture that is chosen in a gallery, not all of them."""


def wire_send_buttons(page: PageBuilder) -> None:
    """Give every button that extensions have registered its function."""
    waiting = registered_param_bindings()
    for binding in tuple(waiting):
        if binding.tabname == "txt2img" or binding.tabname in MODES:
            _wire(page, binding)
            waiting.remove(binding)
    # The others send to tabs of extensions.
    connect_paste_params_buttons()


def _wire(page: PageBuilder, binding: ParamBinding) -> None:
    target = page.panels["txt2img" if binding.tabname == "txt2img" else "img2img"]
    picture, text = binding.source_image_component, binding.source_text_component
    inputs: list[Component] = [each for each in (picture, text) if each is not None]

    def send(*values: object) -> list[object]:
        remaining = list(values)
        shown = remaining.pop(0) if picture is not None else None
        words = remaining.pop(0) if remaining else None
        return sent(page, binding, target, shown, str(words or ""))

    tab = target.tab
    js = SELECTED if isinstance(picture, gr.Gallery) else None
    on(binding.paste_button, "click", send, inputs, target.pasted_into, js=js, then=f"() => easel.openTab('{tab}')")


def sent(page: PageBuilder, binding: ParamBinding, target: GenerationPanel, shown: object, text: str) -> list[object]:
    """Updates of all that may be pasted into on `target`, from a picture or a text or both."""
    try:
        picture = picture_of(shown)
    except (EaselError, OSError, ValueError) as error:
        gr.Warning(str(error), title="This picture cannot be read")
        picture = None
    if picture is not None and not text and binding.source_text_component is None:
        text = str(picture.info.get("parameters") or "")
    if picture is None or binding.tabname == "txt2img":
        return pasted(page.app, target, text)
    finished = FinishedImage(image=picture, infotext=text, seed=0, subseed=0, prompt="", negative_prompt="")
    return sent_picture(page.app, finished, text, MODES[binding.tabname], target)


def picture_of(shown: object) -> Image.Image | None:
    """The picture in a component's value: PIL, an array, a path, an address, or a list of these."""
    import numpy

    value = image_from_url_text(shown)
    if isinstance(value, numpy.ndarray):
        return Image.fromarray(value)
    return value if isinstance(value, Image.Image) else None
