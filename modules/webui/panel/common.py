"""The controls that every generation panel has."""

from __future__ import annotations

from dataclasses import replace

from modules.webui.panel.control import Choice, ChoiceButtons, Control, Number, Several, Slider, Switch, Text

IN_SAMPLER_SCRIPT = "customscript/sampler.py/{tab}"
IN_SEED_SCRIPT = "customscript/seed.py/{tab}"
IN_REFINER_SCRIPT = "customscript/refiner.py/{tab}"

MOST_STEPS = 4000
"""That can be typed, where the slider ends at A1111's 150."""

PROMPT = Control(
    name="prompt",
    label="Prompt",
    elem_id="{tab}_prompt",
    kind=Text(lines=3),
    infotext="Prompt",
    props={"placeholder": "What the picture should show  (Ctrl+Enter makes it)"},
)
NEGATIVE_PROMPT = Control(
    name="negative_prompt",
    label="Negative prompt",
    elem_id="{tab}_neg_prompt",
    kind=Text(lines=3),
    infotext="Negative prompt",
    props={"placeholder": "What it should not show"},
)
STYLES = Control(
    name="styles",
    label="Styles",
    elem_id="{tab}_styles",
    kind=Several(choices=lambda offers: offers.styles, changing=True),
    infotext="Styles array",
    convert=list,
    props={"container": False, "show_label": False, "scale": 1, "min_width": 120},
)

SAMPLER = Control(
    name="sampler",
    label="Sampling method",
    elem_id="{tab}_sampling",
    kind=Choice(choices=lambda offers: offers.samplers, changing=True),
    where=IN_SAMPLER_SCRIPT,
)
SAMPLER_BUTTONS = replace(SAMPLER, kind=ChoiceButtons(choices=lambda offers: offers.samplers, changing=True))
SCHEDULER = Control(
    name="scheduler",
    label="Schedule type",
    elem_id="{tab}_scheduler",
    kind=Choice(choices=lambda offers: offers.schedules),
    where=IN_SAMPLER_SCRIPT,
)
STEPS = Control(
    name="steps",
    label="Sampling steps",
    elem_id="{tab}_steps",
    kind=Slider(value=20, minimum=1, maximum=150, step=1, most=MOST_STEPS),
    where=IN_SAMPLER_SCRIPT,
    infotext="Steps",
    convert=int,
)

WIDTH = Control(
    name="width",
    label="Width",
    elem_id="{tab}_width",
    kind=Slider(value=512, minimum=64, maximum=2048, step=8),
    infotext="Size-1",
    convert=int,
)
HEIGHT = Control(
    name="height",
    label="Height",
    elem_id="{tab}_height",
    kind=Slider(value=512, minimum=64, maximum=2048, step=8),
    infotext="Size-2",
    convert=int,
)
BATCH_COUNT = Control(
    name="batch_count",
    label="Batch count",
    elem_id="{tab}_batch_count",
    kind=Slider(value=1, minimum=1, maximum=100, step=1),
)
BATCH_SIZE = Control(
    name="batch_size",
    label="Batch size",
    elem_id="{tab}_batch_size",
    kind=Slider(value=1, minimum=1, maximum=8, step=1),
    infotext="Batch size",
    convert=int,
)
CFG_SCALE = Control(
    name="cfg_scale",
    label="CFG Scale",
    elem_id="{tab}_cfg_scale",
    kind=Slider(value=7.0, minimum=1.0, maximum=30.0, step=0.5),
    infotext="CFG scale",
    convert=float,
)

SEED = Control(
    name="seed",
    label="Seed",
    elem_id="{tab}_seed",
    kind=Number(value=-1),
    where=IN_SEED_SCRIPT,
    infotext="Seed",
    convert=int,
    props={"min_width": 120},
)
EXTRA = Control(
    name="extra",
    label="Extra",
    elem_id="{tab}_subseed_show",
    kind=Switch(),
    where=IN_SEED_SCRIPT,
    props={"scale": 0, "min_width": 80, "elem_classes": ["seed-extra"]},
)
SUBSEED = Control(
    name="subseed",
    label="Variation seed",
    elem_id="{tab}_subseed",
    kind=Number(value=-1),
    where=IN_SEED_SCRIPT,
    infotext="Variation seed",
    convert=int,
    props={"min_width": 120},
)
SUBSEED_STRENGTH = Control(
    name="subseed_strength",
    label="Variation strength",
    elem_id="{tab}_subseed_strength",
    kind=Slider(value=0.0, minimum=0, maximum=1, step=0.01),
    where=IN_SEED_SCRIPT,
    infotext="Variation seed strength",
    convert=float,
    props={"min_width": 160, "elem_classes": ["subseed-strength"]},
)
SEED_RESIZE = tuple(
    Control(
        name=f"seed_resize_from_{side}",
        label=f"Resize seed from {side}",
        elem_id=f"{{tab}}_seed_resize_from_{side[0]}",
        kind=Slider(value=0, minimum=0, maximum=2048, step=8),
        where=IN_SEED_SCRIPT,
        infotext=f"Seed resize from-{number}",
        convert=int,
    )
    for number, side in enumerate(("width", "height"), 1)
)

REFINER = Control(
    name="enable_refiner", label="Refiner", elem_id="{tab}_enable-checkbox", kind=Switch(), where=IN_REFINER_SCRIPT
)
REFINER_CHECKPOINT = Control(
    name="refiner_checkpoint",
    label="Checkpoint",
    elem_id="{tab}_checkpoint",
    kind=Choice(choices=lambda offers: ["", *offers.checkpoints], changing=True, remembered=False),
    props={"min_width": 150},
)
REFINER_SWITCH_AT = Control(
    name="refiner_switch_at",
    label="Switch at",
    elem_id="{tab}_switch_at",
    kind=Slider(value=0.8, minimum=0.01, maximum=1.0, step=0.01),
    where=IN_REFINER_SCRIPT,
    infotext="Refiner switch at",
    convert=float,
    props={"min_width": 150},
)
