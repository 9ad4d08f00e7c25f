"""The PNG Info tab: what a picture says about how it was made."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True, kw_only=True)
class PngInfoPanel:
    """The components of the tab."""

    image: Any
    generation_info: Any
    html_info: Any
    send: Any


def build_pnginfo() -> PngInfoPanel:
    """Draw the tab."""
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(scale=1, min_width=320):
            image = gr.Image(
                label="Source",
                elem_id="pnginfo_image",
                sources=["upload", "clipboard"],
                type="filepath",
                buttons=[],
                height="60vh",
                interactive=True,
            )
        with gr.Column(scale=1, min_width=320, elem_id="pnginfo_results"):
            html_info = gr.HTML(EMPTY, elem_id="pnginfo_html_info")
            generation_info = gr.Textbox("", elem_id="pnginfo_generation_info", visible="hidden")
            with gr.Row(elem_id="pnginfo_send_row"):
                send = gr.Button("Send to txt2img", elem_id="txt2img_tab", interactive=False, scale=0, min_width=180)
    return PngInfoPanel(image=image, generation_info=generation_info, html_info=html_info, send=send)


EMPTY = '<p class="hint">Drop a picture on the left to read the words and settings it was made with.</p>'


def items_html(items: dict[str, str]) -> str:
    """Named texts of a picture, one under the other."""
    return "".join(
        f'<div class="infotext"><h3>{html.escape(name)}</h3><p>{html.escape(text)}</p></div>'
        for name, text in items.items()
    )
