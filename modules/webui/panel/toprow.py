"""The top of a generation panel: both prompts, the buttons that start and stop, the tools and the styles."""

from __future__ import annotations

from typing import Literal

import gradio as gr

from modules.webui.panel import common
from modules.webui.panel.control import Control
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.styles_dialog import draw_styles_dialog
from modules.webui.tokens import count_html

DESCRIBING = {"📎": "interrogate", "📦": "deepbooru"}
"""The buttons of img2img that write words for the picture into the prompt, by their ids."""


def draw_toprow(drawing: Drawing) -> None:
    """Draw the prompts and the buttons beside them."""
    with gr.Row(elem_id=drawing.id("toprow"), elem_classes=["toprow"], equal_height=False):
        _prompt_column(drawing)
        draw_actions(drawing)


def draw_compact_prompts(drawing: Drawing) -> None:
    """Draw the prompts alone, for a page where the buttons stand above the pictures."""
    with gr.Row(elem_id=drawing.id("toprow"), elem_classes=["toprow", "compact"], equal_height=False):
        _prompt_column(drawing)


def _prompt_column(drawing: Drawing) -> None:
    with gr.Column(elem_id=drawing.id("prompt_container"), elem_classes=["prompt-container"], scale=6, min_width=320):
        _prompts(drawing)


def draw_actions(drawing: Drawing) -> None:
    """Draw the buttons that start and stop, the tools and the styles."""
    with gr.Column(elem_id=drawing.id("actions_column"), elem_classes=["actions-column"], scale=1, min_width=240):
        draw_run_buttons(drawing)
        with gr.Row(elem_id=drawing.id("tools"), elem_classes=["tools"]):
            drawing.part("paste", _paste(drawing))
            drawing.tool("clear_prompt", "🗑️", "clear_prompt")
            drawing.tool("apply_styles", "📋", "style_apply")
            drawing.tool("prompt_tools", "🧰", "prompt_tools")
            if drawing.tab == "img2img":
                for sign, name in DESCRIBING.items():
                    drawing.part(name, _describing(drawing, sign, name))
        with gr.Row(elem_id=drawing.id("styles_row"), elem_classes=["styles-row"]):
            drawing.control(common.STYLES)
            drawing.tool("refresh_styles", "🔄", "refresh_{tab}_styles")
            drawing.tool("style_edit", "🖌️", "styles_edit_button")
    draw_styles_dialog(drawing)


def _describing(drawing: Drawing, sign: str, name: str) -> gr.Button:
    return gr.Button(sign, elem_id=name, elem_classes=["tool"], **drawing.ui.button(f"{drawing.tab}/{sign}"))


def _paste(drawing: Drawing) -> gr.Button:
    # In A1111's page this button alone has the same id on both tabs, and scripts look for it below the tab's tools.
    return gr.Button("↙️", elem_id="paste", elem_classes=["tool", "paste"], **drawing.ui.button(f"{drawing.tab}/↙️"))


def _prompts(drawing: Drawing) -> None:
    for control, key in ((common.PROMPT, "token"), (common.NEGATIVE_PROMPT, "negative_token")):
        elem_id = control.elem_id.format(tab=drawing.tab)
        with gr.Row(elem_id=f"{elem_id}_row", elem_classes=["prompt-row"]):
            _prompt(drawing, control, elem_id)
            counter = gr.HTML(
                count_html(),
                elem_id=drawing.id(f"{key}_counter"),
                elem_classes=["token-counter"],
                apply_default_css=False,
            )
            drawing.part(f"{key}_counter", counter)
        button = gr.Button("Count tokens", elem_id=drawing.id(f"{key}_button"), visible="hidden")
        drawing.part(f"{key}_button", button)
    file = gr.File(
        label="Picture with parameters",
        elem_id=drawing.id("prompt_image"),
        file_types=["image", ".txt"],
        visible="hidden",
    )
    drawing.part("prompt_file", file)


def _prompt(drawing: Drawing, control: Control, elem_id: str) -> None:
    component = gr.Textbox(
        label=control.label,
        elem_id=elem_id,
        show_label=False,
        container=False,
        lines=3,
        max_lines=16,
        elem_classes=["prompt", "negative-prompt" if control is common.NEGATIVE_PROMPT else "positive-prompt"],
        html_attributes=gr.InputHTMLAttributes(spellcheck=False),
        **control.props,
        **drawing.ui.text(f"{drawing.tab}/{control.label}"),
    )
    drawing.note(control, component)


def draw_run_buttons(drawing: Drawing) -> None:
    """Draw Generate and what takes its place while a run is going on."""
    buttons: tuple[tuple[str, str, Literal["primary", "secondary", "stop"]], ...] = (
        ("interrupt", "Interrupt", "stop"),
        ("skip", "Skip", "secondary"),
        ("interrupting", "Interrupting...", "stop"),
        ("generate", "Generate", "primary"),
    )
    with gr.Row(elem_id=drawing.id("generate_box"), elem_classes=["generate-box"]):
        for name, label, variant in buttons:
            arguments = drawing.ui.button(f"{drawing.tab}/{label}")
            button = gr.Button(label, elem_id=drawing.id(name), variant=variant, min_width=80, **arguments)
            drawing.part(name, button)
        button = gr.Button("🌀", elem_id=drawing.id("restore_progress"), visible="hidden")
        drawing.part("restore_progress", button)
