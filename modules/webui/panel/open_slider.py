"""Sliders whose number box is read as it was typed, and those that take more than the slider shows."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.number import Number

from modules.foundation.plain import JsonMapping, JsonObject
from modules.webui.canvas.component import no_interface_files

MARK = "open-slider"
"""The class by which static/open_sliders.js knows it."""

with no_interface_files():

    class PanelSlider(gr.Slider):
        """A slider of Gradio's that hands over what its box holds, also nothing or what lies beyond its ends: what is
        asked for says by name what is wrong with it, where Gradio would say that some value is too small."""

        is_template = True
        """In the browser it is Gradio's own."""

        def preprocess(self, payload: Any) -> Any:
            """The value that the browser sent; None for an empty box."""
            return Number.round_to_precision(payload, self.precision) if isinstance(payload, int | float) else payload


def open_slider(most: float, arguments: JsonMapping) -> PanelSlider:
    """A slider of these arguments of `gr.Slider` whose number box takes up to `most`, shown as its end."""
    classes = [*arguments.get("elem_classes", ()), MARK, f"most-{most:g}"]
    marked: JsonObject = {**arguments, "elem_classes": classes}
    return PanelSlider(**marked)
