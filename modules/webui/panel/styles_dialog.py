"""The dialog in which styles are written, renamed, deleted and taken from the prompts."""

from __future__ import annotations

from typing import Literal

import gradio as gr

from modules.webui.panel.drawing import Drawing

Variant = Literal["primary", "stop", "secondary"]

BUTTONS: tuple[tuple[str, str, Variant], ...] = (
    ("save", "Save", "primary"),
    ("delete", "Delete", "stop"),
    ("close", "Close", "secondary"),
)

FIELDS = ("style_select", "style_name", "style_prompt", "style_negative", "style_message")
"""Parts that show a style: which one is chosen, its name and its halves as they are being edited, and a sentence."""


def draw_styles_dialog(drawing: Drawing) -> None:
    """Draw it, hidden until static/dialogs.js opens it."""
    with gr.Column(elem_id=drawing.id("styles_dialog"), elem_classes=["easel-dialog", "styles-dialog"]):
        gr.HTML("<h2>Styles</h2>", apply_default_css=False)
        with gr.Row(elem_classes=["dialog-row"]):
            drawing.part(
                "style_select",
                gr.Dropdown(
                    list(drawing.offers.styles),
                    value=None,
                    label="Styles",
                    info="Choose one to change, or type a new name.",
                    elem_id=drawing.id("styles_edit_select"),
                    allow_custom_value=True,
                    interactive=True,
                ),
            )
            drawing.tool("style_apply_dialog", "📋", "style_apply_dialog")
            drawing.tool("style_copy", "📝", "style_copy")
        texts = (("name", "Name", 1), ("prompt", "Prompt", 3), ("neg_prompt", "Negative prompt", 3))
        for (name, label, lines), part in zip(texts, FIELDS[1:4], strict=True):
            box = gr.Textbox(
                label=label,
                elem_id=drawing.id(f"edit_style_{name}"),
                lines=lines,
                max_lines=1 if lines == 1 else 12,
                html_attributes=gr.InputHTMLAttributes(spellcheck=False),
                interactive=True,
            )
            drawing.part(part, box)
        drawing.part("style_message", gr.HTML("", elem_id=drawing.id("edit_style_message"), apply_default_css=False))
        with gr.Row(elem_classes=["dialog-buttons"]):
            for name, label, variant in BUTTONS:
                button = gr.Button(label, elem_id=drawing.id(f"edit_style_{name}"), variant=variant, min_width=90)
                drawing.part(f"style_{name}", button)
