"""A slider whose number box takes more than the slider shows."""

from __future__ import annotations

import gradio as gr
from gradio.components.number import Number

from modules.foundation.plain import JsonMapping, JsonObject
from modules.webui.canvas.component import no_interface_files

MARK = "open-slider"
"""The class by which static/open_sliders.js knows it."""

with no_interface_files():

    class OpenSlider(gr.Slider):
        """A slider of Gradio's that takes values up to `most`, which its track shows as its end."""

        is_template = True
        """In the browser it is Gradio's own."""

        most = float("inf")

        def preprocess(self, payload: float) -> float:
            """The value that the browser sent. Raises gradio's Error for one out of bounds."""
            Number.raise_if_out_of_bounds(payload, self.minimum, max(self.maximum, self.most))
            return Number.round_to_precision(payload, self.precision)


def open_slider(most: float, arguments: JsonMapping) -> OpenSlider:
    """A slider of these arguments of `gr.Slider` whose number box takes up to `most`."""
    classes = [*arguments.get("elem_classes", ()), MARK, f"most-{most:g}"]
    marked: JsonObject = {**arguments, "elem_classes": classes}
    slider = OpenSlider(**marked)
    slider.most = most
    return slider
