"""The controls of the Checkpoint Merger tab."""

from __future__ import annotations

from modules.webui.panel.control import Choice, Control, OneOf, Slider, Switch, Text

TAB = "modelmerger"

MODELS = tuple(
    Control(
        name=f"{name}_model_name",
        label=f"{name.capitalize()} model ({letter})",
        elem_id=f"modelmerger_{name}_model_name",
        kind=Choice(choices=lambda offers: ["", *offers.checkpoints], value="", changing=True, remembered=False),
        props={"min_width": 160},
    )
    for name, letter in (("primary", "A"), ("secondary", "B"), ("tertiary", "C"))
)
CUSTOM_NAME = Control(
    name="custom_name",
    label="Custom Name (Optional)",
    elem_id="modelmerger_custom_name",
    kind=Text(),
    props={"max_lines": 1, "placeholder": "Empty: made of the models' names"},
)
MULTIPLIER = Control(
    name="multiplier",
    label="Multiplier (M) - set to 0 to get model A",
    elem_id="modelmerger_interp_amount",
    kind=Slider(value=0.3, minimum=0.0, maximum=1.0, step=0.05),
)
METHOD = Control(
    name="interp_method",
    label="Interpolation Method",
    elem_id="modelmerger_interp_method",
    kind=OneOf(labels=("No interpolation", "Weighted sum", "Add difference"), value="Weighted sum"),
)
FORMAT = Control(
    name="checkpoint_format",
    label="Checkpoint format",
    elem_id="modelmerger_checkpoint_format",
    kind=OneOf(labels=("ckpt", "safetensors"), value="safetensors"),
)
HALF = Control(name="save_as_half", label="Save as float16", elem_id="modelmerger_save_as_half", kind=Switch())
CONFIGS = ("A, B or C", "B", "C", "Don't")
CONFIG = Control(
    name="config_source",
    label="Copy config from",
    elem_id="modelmerger_config_method",
    kind=OneOf(labels=CONFIGS, value=CONFIGS[0]),
)
VAE = Control(
    name="bake_in_vae",
    label="Bake in VAE",
    elem_id="modelmerger_bake_in_vae",
    kind=Choice(choices=lambda offers: ["None", *offers.vaes], value="None", changing=True),
    props={"min_width": 160},
)
DISCARD = Control(
    name="discard_weights",
    label="Discard weights with matching name",
    elem_id="modelmerger_discard_weights",
    kind=Text(),
    props={"max_lines": 1, "placeholder": "A regular expression, for instance ^model_ema"},
)
SAVE_METADATA = Control(
    name="save_metadata", label="Save metadata", elem_id="modelmerger_save_metadata", kind=Switch(value=True)
)
ADD_RECIPE = Control(
    name="add_merge_recipe",
    label="Add merge recipe metadata",
    elem_id="modelmerger_add_recipe",
    kind=Switch(value=True),
)
COPY_METADATA = Control(
    name="copy_metadata_fields",
    label="Copy metadata from merged models",
    elem_id="modelmerger_copy_metadata",
    kind=Switch(value=True),
)
METADATA = Control(
    name="metadata_json",
    label="Metadata in JSON format",
    elem_id="modelmerger_metadata_json",
    kind=Text(lines=3, value="{}"),
    props={"max_lines": 20},
)
REPLACE = Control(name="overwrite", label="Replace a file of that name", elem_id="modelmerger_overwrite", kind=Switch())
CHOOSE = Control(
    name="choose",
    label="Choose the result as the checkpoint when it is done",
    elem_id="modelmerger_choose_result",
    kind=Switch(),
)
