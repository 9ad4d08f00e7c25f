"""The second pass on the txt2img tab (hires fix): its controls, and how they lie under their switch."""

from __future__ import annotations

import gradio as gr

from modules.infotext.labels import SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE
from modules.sampling.latent_upscale import DEFAULT
from modules.webui.panel.control import Choice, Control, Slider, Switch, Text
from modules.webui.panel.drawing import Drawing
from modules.webui.panel.layout import checkpoint, refiner

SWITCH = Control(name="enable_hr", label="Hires. fix", elem_id="{tab}_hr-checkbox", kind=Switch())

FIRST_ROW = (
    Control(
        name="hr_upscaler",
        label="Upscaler",
        elem_id="{tab}_hr_upscaler",
        kind=Choice(choices=lambda offers: offers.upscalers, value=DEFAULT, changing=True),
        props={"scale": 2, "min_width": 120},
    ),
    Control(
        name="hires_steps",
        label="Hires steps",
        elem_id="{tab}_hires_steps",
        kind=Slider(value=0, minimum=0, maximum=150, step=1),
        infotext="Hires steps",
        convert=int,
        props={"scale": 2, "min_width": 120},
    ),
    Control(
        name="denoising_strength",
        label="Denoising strength",
        elem_id="{tab}_denoising_strength",
        kind=Slider(value=0.7, minimum=0.0, maximum=1.0, step=0.01),
        infotext="Denoising strength",
        convert=float,
        props={"scale": 3, "min_width": 120},
    ),
)
SECOND_ROW = (
    Control(
        name="hr_scale",
        label="Upscale by",
        elem_id="{tab}_hr_scale",
        kind=Slider(value=2.0, minimum=1.0, maximum=4.0, step=0.05),
        infotext="Hires upscale",
        convert=float,
        props={"scale": 2, "min_width": 120},
    ),
    *(
        Control(
            name=f"hr_resize_{letter}",
            label=f"Resize {side} to",
            elem_id=f"{{tab}}_hr_resize_{letter}",
            kind=Slider(value=0, minimum=0, maximum=2048, step=8),
            infotext=f"Hires resize-{number}",
            convert=int,
            props={"scale": 2, "min_width": 120},
        )
        for number, letter, side in ((1, "x", "width"), (2, "y", "height"))
    ),
)
CHECKPOINT = Control(
    name="hr_checkpoint",
    label="Hires checkpoint",
    elem_id="hr_checkpoint",
    kind=Choice(choices=lambda offers: [SAME_CHECKPOINT, *offers.checkpoints], changing=True, remembered=False),
    props={"min_width": 150},
)
CFG_SCALE = Control(
    name="hr_cfg",
    label="Hires CFG (0: the same)",
    elem_id="hr_cfg_scale",
    kind=Slider(value=0.0, minimum=0.0, maximum=30.0, step=0.5),
    key="Hires CFG Scale",
    infotext="Hires CFG Scale",
    convert=float,
    props={"min_width": 150},
)
SAMPLING_ROW = (
    Control(
        name="hr_sampler",
        label="Hires sampling method",
        elem_id="hr_sampler",
        kind=Choice(choices=lambda offers: [SAME_SAMPLER, *offers.samplers], changing=True),
        props={"min_width": 150},
    ),
    Control(
        name="hr_scheduler",
        label="Hires schedule type",
        elem_id="hr_scheduler",
        kind=Choice(choices=lambda offers: [SAME_SCHEDULE, *offers.schedules]),
        props={"min_width": 150},
    ),
)
PROMPTS_ROW = tuple(
    Control(
        name=name,
        label=label,
        elem_id=name,
        kind=Text(lines=2),
        infotext=label,
        props={"placeholder": "The same as above", "min_width": 150},
    )
    for name, label in (("hires_prompt", "Hires prompt"), ("hires_neg_prompt", "Hires negative prompt"))
)


def accordions(drawing: Drawing) -> None:
    """Second pass and refiner, side by side."""
    with gr.Row(elem_id=drawing.id("accordions"), elem_classes=["switched-parts"], equal_height=False):
        with gr.Column(elem_id=drawing.id("hr"), elem_classes=["switched-part"], min_width=160):
            drawing.control(SWITCH)
            drawing.part("final_size", gr.HTML("", elem_id="txtimg_hr_finalres", elem_classes=["part-note"]))
            with gr.Column(elem_id=drawing.id("hr-extra"), elem_classes=["part-body"]):
                for number, row in enumerate((FIRST_ROW, SECOND_ROW), 1):
                    _row(drawing, row, number)
                _own(drawing)
        refiner(drawing)


def _own(drawing: Drawing) -> None:
    """What the second pass has of its own; shut, unless the settings ask for it."""
    settings = drawing.settings
    with gr.Accordion(
        "Its own checkpoint, sampler, CFG and prompts",
        open=settings.hires_fix_show_sampler or settings.hires_fix_show_prompts,
        elem_id=drawing.id("hr-own"),
        elem_classes=["part-more"],
    ):
        with gr.Row(elem_classes=["fields"]):
            checkpoint(drawing, CHECKPOINT)
            drawing.control(CFG_SCALE)
        _row(drawing, SAMPLING_ROW, 3)
        _row(drawing, PROMPTS_ROW, 4)


def _row(drawing: Drawing, controls: tuple[Control, ...], number: int) -> None:
    with gr.Row(elem_id=drawing.id(f"hires_fix_row{number}"), elem_classes=["fields"]):
        for control in controls:
            drawing.control(control)
