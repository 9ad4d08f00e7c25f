"""The txt2img tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.sampling.schedules import names as schedule_names
from modules.webui.choices import sampler_names
from modules.webui.controls import Txt2ImgControls
from modules.webui.gallery import Results, build_results
from modules.webui.hires_panel import PassFiles, PassParts, build_passes
from modules.webui.toprow import TopRow, build_toprow
from modules.webui.ui_config import UiConfig

if TYPE_CHECKING:
    from modules.settings.model import Settings

IN_SAMPLER_SCRIPT = "customscript/sampler.py/txt2img"
IN_SEED_SCRIPT = "customscript/seed.py/txt2img"


@dataclass(frozen=True, kw_only=True)
class SeedButtons:
    """The buttons beside the seeds."""

    random: Any
    reuse: Any
    random_variation: Any
    reuse_variation: Any
    swap_sizes: Any


@dataclass(frozen=True, kw_only=True)
class Txt2ImgPanel:
    """Everything of the tab that events are tied to."""

    top: TopRow
    controls: Txt2ImgControls
    buttons: SeedButtons
    passes: PassParts
    results: Results
    task: Any


def build_txt2img(ui: UiConfig, settings: Settings, style_names: Sequence[str], files: PassFiles) -> Txt2ImgPanel:
    """Draw the tab."""
    # Its value is set by the browser when Generate is pressed: the name under which the run can be watched.
    task = gr.Textbox("", elem_id="txt2img_task", visible="hidden")
    top = build_toprow(ui, style_names)
    with gr.Row(elem_classes=["work-area"], equal_height=False):
        with gr.Column(elem_id="txt2img_settings", scale=1, min_width=320):
            sampling = _sampling(ui, settings)
            passes = build_passes(ui, settings, files)
            size, swap = _size_and_batch(ui)
            cfg_scale = gr.Slider(
                label="CFG Scale",
                elem_id="txt2img_cfg_scale",
                **ui.slider("txt2img/CFG Scale", value=7.0, minimum=1.0, maximum=30.0, step=0.5),
            )
            seeds, seed_buttons = _seeds(ui)
            with gr.Row(elem_id="txt2img_override_settings_row"):
                override_settings = gr.Dropdown(
                    [],
                    value=[],
                    label="Override settings",
                    elem_id="txt2img_override_settings",
                    multiselect=True,
                    allow_custom_value=True,
                    interactive=True,
                    visible="hidden",
                )
        results = build_results(ui)
    controls = Txt2ImgControls(
        prompt=top.prompt,
        negative_prompt=top.negative_prompt,
        styles=top.styles,
        **sampling,
        **size,
        cfg_scale=cfg_scale,
        **seeds,
        **passes.controls,
        override_settings=override_settings,
    )
    buttons = SeedButtons(swap_sizes=swap, **seed_buttons)
    return Txt2ImgPanel(top=top, controls=controls, buttons=buttons, passes=passes, results=results, task=task)


def _sampling(ui: UiConfig, settings: Settings) -> dict[str, Any]:
    samplers, schedules = sampler_names(settings.hide_samplers), schedule_names()
    with gr.Row(elem_id="sampler_selection_txt2img", elem_classes=["fields"]):
        sampler = gr.Dropdown(
            label="Sampling method",
            elem_id="txt2img_sampling",
            interactive=True,
            **ui.choice(f"{IN_SAMPLER_SCRIPT}/Sampling method", samplers, value=samplers[0]),
        )
        scheduler = gr.Dropdown(
            label="Schedule type",
            elem_id="txt2img_scheduler",
            interactive=True,
            **ui.choice(f"{IN_SAMPLER_SCRIPT}/Schedule type", schedules, value=schedules[0]),
        )
        steps = gr.Slider(
            label="Sampling steps",
            elem_id="txt2img_steps",
            **ui.slider(f"{IN_SAMPLER_SCRIPT}/Sampling steps", value=20, minimum=1, maximum=150, step=1),
        )
    return {"sampler": sampler, "scheduler": scheduler, "steps": steps}


def _size_and_batch(ui: UiConfig) -> tuple[dict[str, Any], Any]:
    def slider(label: str, value: int, limits: tuple[int, int, int]) -> Any:
        least, most, step = limits
        elem_id = f"txt2img_{label.casefold().replace(' ', '_')}"
        arguments = ui.slider(f"txt2img/{label}", value=value, minimum=least, maximum=most, step=step)
        return gr.Slider(label=label, elem_id=elem_id, **arguments)

    with gr.Row(elem_classes=["size-and-batch", "fields"], equal_height=False):
        with gr.Column(elem_id="txt2img_column_size", scale=4, min_width=200):
            width = slider("Width", 512, (64, 2048, 8))
            height = slider("Height", 512, (64, 2048, 8))
        with gr.Column(elem_id="txt2img_dimensions_row", scale=0, min_width=36, elem_classes=["swap-column"]):
            swap = gr.Button("⇅", elem_id="txt2img_res_switch_btn", elem_classes=["tool"], **ui.button("txt2img/⇅"))
        with gr.Column(elem_id="txt2img_column_batch", scale=4, min_width=200):
            batch_count = slider("Batch count", 1, (1, 100, 1))
            batch_size = slider("Batch size", 1, (1, 8, 1))
    return {"width": width, "height": height, "batch_count": batch_count, "batch_size": batch_size}, swap


def _seeds(ui: UiConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    def tool(sign: str, elem_id: str) -> Any:
        return gr.Button(sign, elem_id=elem_id, elem_classes=["tool"], **ui.button(f"txt2img/{sign}"))

    with gr.Row(elem_id="txt2img_seed_row", elem_classes=["seed-row"]):
        seed = gr.Number(
            label="Seed",
            elem_id="txt2img_seed",
            precision=0,
            min_width=120,
            **ui.number(f"{IN_SEED_SCRIPT}/Seed", value=-1),
        )
        random = tool("🎲️", "txt2img_random_seed")
        reuse = tool("♻️", "txt2img_reuse_seed")
        extra = gr.Checkbox(
            label="Extra",
            elem_id="txt2img_subseed_show",
            scale=0,
            min_width=80,
            **ui.checkbox(f"{IN_SEED_SCRIPT}/Extra", value=False),
        )
    with gr.Group(elem_id="txt2img_seed_extras"):
        with gr.Row(elem_id="txt2img_subseed_row", elem_classes=["seed-row"]):
            subseed = gr.Number(
                label="Variation seed",
                elem_id="txt2img_subseed",
                precision=0,
                min_width=120,
                **ui.number(f"{IN_SEED_SCRIPT}/Variation seed", value=-1),
            )
            random_variation = tool("🎲️", "txt2img_random_subseed")
            reuse_variation = tool("♻️", "txt2img_reuse_subseed")
            subseed_strength = gr.Slider(
                label="Variation strength",
                elem_id="txt2img_subseed_strength",
                min_width=160,
                **ui.slider(f"{IN_SEED_SCRIPT}/Variation strength", value=0.0, minimum=0, maximum=1, step=0.01),
            )
        with gr.Row(elem_id="txt2img_seed_resize_from_row"):
            resize = {
                f"seed_resize_from_{side}": gr.Slider(
                    label=f"Resize seed from {side}",
                    elem_id=f"txt2img_seed_resize_from_{side[0]}",
                    **ui.slider(f"{IN_SEED_SCRIPT}/Resize seed from {side}", value=0, minimum=0, maximum=2048, step=8),
                )
                for side in ("width", "height")
            }
    components = {"seed": seed, "extra": extra, "subseed": subseed, "subseed_strength": subseed_strength, **resize}
    return components, {
        "random": random,
        "reuse": reuse,
        "random_variation": random_variation,
        "reuse_variation": reuse_variation,
    }
