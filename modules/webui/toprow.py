"""The top of the txt2img tab: both prompts, the buttons that start and stop, the tools and the styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from modules.webui.ui_config import UiConfig


@dataclass(frozen=True, kw_only=True)
class TopRow:
    """The components of the top row."""

    prompt: Any
    negative_prompt: Any
    prompt_file: Any
    token_counter: Any
    negative_token_counter: Any
    token_button: Any
    negative_token_button: Any
    generate: Any
    interrupt: Any
    skip: Any
    interrupting: Any
    paste: Any
    clear_prompt: Any
    apply_styles: Any
    restore_progress: Any
    styles: Any
    refresh_styles: Any


def build_toprow(ui: UiConfig, style_names: Sequence[str]) -> TopRow:
    """Draw the row."""
    with gr.Row(elem_id="txt2img_toprow", equal_height=False):
        with gr.Column(elem_id="txt2img_prompt_container", scale=6, min_width=320):
            prompts = _prompts(ui)
        with gr.Column(elem_id="txt2img_actions_column", scale=1, min_width=240):
            buttons = _buttons(ui)
            with gr.Row(elem_id="txt2img_styles_row"):
                styles = gr.Dropdown(
                    label="Styles",
                    elem_id="txt2img_styles",
                    multiselect=True,
                    interactive=True,
                    container=False,
                    show_label=False,
                    scale=1,
                    min_width=120,
                    **ui.choices("txt2img/Styles", style_names),
                )
                refresh = gr.Button(
                    "🔄", elem_id="refresh_txt2img_styles", elem_classes=["tool"], **ui.button("txt2img/🔄")
                )
    return TopRow(**prompts, **buttons, styles=styles, refresh_styles=refresh)


def _prompts(ui: UiConfig) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name, elem_id, label, key, hint in (
        ("prompt", "txt2img_prompt", "Prompt", "token", "What the picture should show  (Ctrl+Enter makes it)"),
        ("negative_prompt", "txt2img_neg_prompt", "Negative prompt", "negative_token", "What it should not show"),
    ):
        with gr.Row(elem_id=f"{elem_id}_row", elem_classes=["prompt-row"]):
            parts[name] = gr.Textbox(
                label=label,
                elem_id=elem_id,
                show_label=False,
                container=False,
                lines=3,
                max_lines=16,
                placeholder=hint,
                elem_classes=["prompt"],
                html_attributes=gr.InputHTMLAttributes(spellcheck=False),
                **ui.text(f"txt2img/{label}"),
            )
            parts[f"{key}_counter"] = gr.HTML(
                "", elem_id=f"txt2img_{key}_counter", elem_classes=["token-counter"], apply_default_css=False
            )
        parts[f"{key}_button"] = gr.Button("Count tokens", elem_id=f"txt2img_{key}_button", visible="hidden")
    parts["prompt_file"] = gr.File(
        label="Picture with parameters", elem_id="txt2img_prompt_image", file_types=["image", ".txt"], visible="hidden"
    )
    return parts


def _buttons(ui: UiConfig) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    with gr.Row(elem_id="txt2img_generate_box", elem_classes=["generate-box"]):
        parts["interrupt"] = _run_button(ui, "Interrupt", "interrupt", "stop")
        parts["skip"] = _run_button(ui, "Skip", "skip", "secondary")
        parts["interrupting"] = _run_button(ui, "Interrupting...", "interrupting", "stop")
        parts["generate"] = _run_button(ui, "Generate", "generate", "primary")
    with gr.Row(elem_id="txt2img_tools", elem_classes=["tools"]):
        for name, sign, elem_id in (
            ("paste", "↙️", "paste"),
            ("clear_prompt", "🗑️", "txt2img_clear_prompt"),
            ("apply_styles", "📋", "txt2img_style_apply"),
        ):
            parts[name] = gr.Button(sign, elem_id=elem_id, elem_classes=["tool"], **ui.button(f"txt2img/{sign}"))
        parts["restore_progress"] = gr.Button("🌀", elem_id="txt2img_restore_progress", visible="hidden")
    return parts


def _run_button(ui: UiConfig, label: str, name: str, variant: Literal["primary", "secondary", "stop"]) -> gr.Button:
    return gr.Button(label, elem_id=f"txt2img_{name}", variant=variant, min_width=80, **ui.button(f"txt2img/{label}"))
