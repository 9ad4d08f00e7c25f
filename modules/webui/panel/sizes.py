"""The size of a picture that is sent, for the controls it is sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from modules.webui.panel.generation_panel import GenerationPanel

if TYPE_CHECKING:
    from modules.application.application import Application


def sent_size(app: Application, size: tuple[int, int], target: GenerationPanel) -> dict[str, object]:
    """Width and height for the controls of img2img from those of a picture, within the limits of its sliders."""
    step = app.selected_family.size_step
    values: dict[str, object] = {}
    for name, side in zip(("width", "height"), size, strict=True):
        slider = target.controls[name]
        assert isinstance(slider, gr.Slider)
        values[name] = int(min(max(side // step * step, slider.minimum), slider.maximum))
    return values
