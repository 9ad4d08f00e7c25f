"""The canvas as a component of Gradio. What it does in the browser is in static/canvas."""

from __future__ import annotations

import html
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio import component_meta

from modules.foundation.errors import EaselError
from modules.webui.canvas.value import CanvasValue, RefusedCanvas, from_text, to_text
from modules.webui.pictures import may_be_read

Paints = Literal["nothing", "mask", "colours"]
"""What is painted on a canvas: nothing, where it only shows a picture."""

ON_LOAD = "(window.easelCanvases ??= []).push({ element, props, watch, upload });"
"""Tells static/canvas/mount.js, which may come later, of a canvas that was drawn."""


@contextmanager
def no_interface_files() -> Generator[None]:
    """Keep Gradio from writing a .pyi file beside the source of a class of components."""
    written = component_meta.create_or_modify_pyi
    component_meta.create_or_modify_pyi = lambda *_: None
    try:
        yield
    finally:
        component_meta.create_or_modify_pyi = written


with no_interface_files():

    class Canvas(gr.HTML):
        """A picture to look at or to paint on; its value is a `CanvasValue`, or None while it is empty.

        It takes the path of a picture as a value too. `paints` says what is painted, `grows` whether the picture can
        be enlarged by dragging its frame. `colour` (#rrggbb) is that of the brush, unless `colour_setting` names a
        setting that says another one.
        """

        def __init__(
            self,
            value: CanvasValue | Path | str | None = None,
            *,
            paints: Paints = "colours",
            grows: bool = False,
            colour: str = "#ffffff",
            colour_setting: str = "",
            label: str | None = None,
            elem_id: str | None = None,
            **props: Any,
        ) -> None:
            self.paints, self.grows, self.colour, self.colour_setting = paints, grows, colour, colour_setting
            attributes = {
                "paints": paints,
                "grows": str(grows).lower(),
                "colour": colour,
                "colour-setting": colour_setting,
                "label": label or "Picture",
                "name": elem_id or "",
            }
            data = " ".join(f'data-{name}="{html.escape(text)}"' for name, text in attributes.items())
            super().__init__(
                value,
                label=label,
                elem_id=elem_id,
                html_template=f'<div class="easel-canvas" {data}></div>',
                js_on_load=ON_LOAD,
                apply_default_css=False,
                **props,
            )

        def preprocess(self, payload: object) -> Any:
            """What a handler is given: a `CanvasValue`, None, or a `RefusedCanvas`."""
            try:
                return from_text(payload, may_be_read)
            except EaselError as error:
                # Raised here, it would leave whatever waits for the handler's answer waiting.
                return RefusedCanvas(error=error)

        def postprocess(self, value: Any) -> Any:
            """What the browser is given: a text."""
            return to_text(value)
