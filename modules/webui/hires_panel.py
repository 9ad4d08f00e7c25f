"""The second pass and the refiner on the txt2img tab: two headings with a switch, which open what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.sampling.latent_upscale import DEFAULT
from modules.sampling.schedules import names as schedule_names
from modules.webui.choices import sampler_names
from modules.webui.ui_config import UiConfig

if TYPE_CHECKING:
    from modules.settings.model import Settings

SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE = "Use same checkpoint", "Use same sampler", "Use same scheduler"
IN_REFINER_SCRIPT = "customscript/refiner.py/txt2img"
REFRESH = "🔄"


@dataclass(frozen=True, kw_only=True)
class PassFiles:
    """The names that the dropdowns of both parts offer."""

    checkpoints: Sequence[str]
    upscalers: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PassParts:
    """What is drawn: controls by their name in `Txt2ImgControls`, and what is not a control."""

    controls: dict[str, Any]
    final_size: Any
    refresh_hires: Any
    refresh_refiner: Any


def build_passes(ui: UiConfig, settings: Settings, files: PassFiles) -> PassParts:
    """Draw both parts."""
    with gr.Row(elem_id="txt2img_accordions", elem_classes=["switched-parts"], equal_height=False):
        with gr.Column(elem_id="txt2img_hr", elem_classes=["switched-part"], min_width=160):
            enable = gr.Checkbox(
                label="Hires. fix", elem_id="txt2img_hr-checkbox", **ui.checkbox("txt2img/Hires. fix", value=False)
            )
            final_size = gr.HTML("", elem_id="txtimg_hr_finalres", elem_classes=["part-note"])
            with gr.Column(elem_id="txt2img_hr-extra", elem_classes=["part-body"]):
                basic = _basic(ui, files)
                own, refresh_hires = _own(ui, settings, files)
        with gr.Column(elem_id="txt2img_enable", elem_classes=["switched-part"], min_width=160):
            refine = gr.Checkbox(
                label="Refiner",
                elem_id="txt2img_enable-checkbox",
                **ui.checkbox(f"{IN_REFINER_SCRIPT}/Refiner", value=False),
            )
            refiner, refresh_refiner = _refiner(ui, files)
    controls = {"enable_hr": enable, **basic, **own, "enable_refiner": refine, **refiner}
    return PassParts(
        controls=controls, final_size=final_size, refresh_hires=refresh_hires, refresh_refiner=refresh_refiner
    )


def _basic(ui: UiConfig, files: PassFiles) -> dict[str, Any]:
    def slider(label: str, elem_id: str, value: float, limits: tuple[float, float, float]) -> Any:
        least, most, step = limits
        return gr.Slider(
            label=label,
            elem_id=elem_id,
            scale=3 if label == "Denoising strength" else 2,
            min_width=120,
            **ui.slider(f"txt2img/{label}", value=value, minimum=least, maximum=most, step=step),
        )

    with gr.Row(elem_id="txt2img_hires_fix_row1", elem_classes=["fields"]):
        upscaler = gr.Dropdown(
            label="Upscaler",
            elem_id="txt2img_hr_upscaler",
            interactive=True,
            scale=2,
            min_width=120,
            **ui.choice("txt2img/Upscaler", files.upscalers, value=DEFAULT),
        )
        steps = slider("Hires steps", "txt2img_hires_steps", 0, (0, 150, 1))
        strength = slider("Denoising strength", "txt2img_denoising_strength", 0.7, (0.0, 1.0, 0.01))
    with gr.Row(elem_id="txt2img_hires_fix_row2", elem_classes=["fields"]):
        scale = slider("Upscale by", "txt2img_hr_scale", 2.0, (1.0, 4.0, 0.05))
        width = slider("Resize width to", "txt2img_hr_resize_x", 0, (0, 2048, 8))
        height = slider("Resize height to", "txt2img_hr_resize_y", 0, (0, 2048, 8))
    return {
        "hr_upscaler": upscaler,
        "hires_steps": steps,
        "denoising_strength": strength,
        "hr_scale": scale,
        "hr_resize_x": width,
        "hr_resize_y": height,
    }


def _own(ui: UiConfig, settings: Settings, files: PassFiles) -> tuple[dict[str, Any], Any]:
    """What the second pass has of its own; shut, unless the settings ask for it."""
    samplers = [SAME_SAMPLER, *sampler_names(settings.hide_samplers)]
    schedules = [SAME_SCHEDULE, *schedule_names()]
    with gr.Accordion(
        "Its own checkpoint, sampler, CFG and prompts",
        open=settings.hires_fix_show_sampler or settings.hires_fix_show_prompts,
        elem_id="txt2img_hr-own",
        elem_classes=["part-more"],
    ):
        with gr.Row(elem_classes=["fields"]):
            checkpoint, refresh = _checkpoint(
                "Hires checkpoint", "hr_checkpoint", [SAME_CHECKPOINT, *files.checkpoints], SAME_CHECKPOINT
            )
            cfg_scale = gr.Slider(
                label="Hires CFG (0: the same)",
                elem_id="hr_cfg_scale",
                min_width=150,
                **ui.slider("txt2img/Hires CFG Scale", value=0.0, minimum=0.0, maximum=30.0, step=0.5),
            )
        with gr.Row(elem_id="txt2img_hires_fix_row3", elem_classes=["fields"]):
            sampler = gr.Dropdown(
                label="Hires sampling method",
                elem_id="hr_sampler",
                interactive=True,
                min_width=150,
                **ui.choice("txt2img/Hires sampling method", samplers, value=SAME_SAMPLER),
            )
            schedule = gr.Dropdown(
                label="Hires schedule type",
                elem_id="hr_scheduler",
                interactive=True,
                min_width=150,
                **ui.choice("txt2img/Hires schedule type", schedules, value=SAME_SCHEDULE),
            )
        with gr.Row(elem_id="txt2img_hires_fix_row4", elem_classes=["fields"]):
            prompts = {
                name: gr.Textbox(
                    label=label,
                    elem_id=name,
                    lines=2,
                    placeholder="The same as above",
                    min_width=150,
                    **ui.text(f"txt2img/{label}"),
                )
                for name, label in (("hires_prompt", "Hires prompt"), ("hires_neg_prompt", "Hires negative prompt"))
            }
    controls = {"hr_checkpoint": checkpoint, "hr_sampler": sampler, "hr_scheduler": schedule, "hr_cfg": cfg_scale}
    return {**controls, **prompts}, refresh


def _refiner(ui: UiConfig, files: PassFiles) -> tuple[dict[str, Any], Any]:
    with gr.Row(elem_id="txt2img_refiner_row", elem_classes=["part-body", "fields"]):
        checkpoint, refresh = _checkpoint("Checkpoint", "txt2img_checkpoint", ["", *files.checkpoints], "")
        at = gr.Slider(
            label="Switch at",
            elem_id="txt2img_switch_at",
            min_width=150,
            **ui.slider(f"{IN_REFINER_SCRIPT}/Switch at", value=0.8, minimum=0.01, maximum=1.0, step=0.01),
        )
    return {"refiner_checkpoint": checkpoint, "refiner_switch_at": at}, refresh


def _checkpoint(label: str, elem_id: str, choices: Sequence[str], value: str) -> tuple[Any, Any]:
    with gr.Row(elem_classes=["with-refresh"]):
        dropdown = gr.Dropdown(
            choices=list(choices), value=value, label=label, elem_id=elem_id, interactive=True, min_width=150
        )
        refresh = gr.Button(REFRESH, elem_id=f"{elem_id}_refresh", elem_classes=["tool"])
    return dropdown, refresh
