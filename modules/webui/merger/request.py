"""What the controls of the merger ask for, and how that is told as a formula."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modules.application.merging import recipe_from
from modules.checkpoints.merge.recipe import ConfigSource, MergeMethod, MergeRecipe
from modules.foundation.errors import EaselError
from modules.webui.merger import controls as own
from modules.webui.panel.control_values import ControlValues

if TYPE_CHECKING:
    from modules.application.application import Application

FIELDS = {control.name: control.label for control in own.MODELS}
"""The names of fields that messages mention, as the tab calls them."""


def merge_recipe(app: Application, values: Mapping[str, object]) -> MergeRecipe:
    """The recipe. Raises EaselError that names the field."""
    controls = ControlValues(values)
    return recipe_from(
        app,
        [controls.text(control.name) for control in own.MODELS],
        MergeMethod(controls.text("interp_method")),
        controls.text("bake_in_vae"),
        controls.text("metadata_json"),
        multiplier=controls.number("multiplier", "Multiplier (M)"),
        name=controls.text("custom_name"),
        format="ckpt" if controls.text("checkpoint_format") == "ckpt" else "safetensors",
        half=controls.switch("save_as_half"),
        config_source=ConfigSource(controls.one_of("config_source", own.CONFIGS)),
        discard=controls.text("discard_weights"),
        save_metadata=controls.switch("save_metadata"),
        add_recipe=controls.switch("add_merge_recipe"),
        copy_metadata=controls.switch("copy_metadata_fields"),
    )


def formula_html(app: Application, values: Mapping[str, object]) -> str:
    """What would be made of which models, or what is missing yet."""
    try:
        recipe = merge_recipe(app, values)
        names = [f"<b>{html.escape(model.model_name)}</b>" for model in recipe.models]
        if len(names) < recipe.method.models:
            missing = ", ".join("ABC"[index] for index in range(len(names), recipe.method.models))
            return _hint(f"{recipe.method.value} needs a model {missing}, too.")
        result = html.escape(recipe.file_name(None))
    except EaselError as error:
        return _hint(html.escape(str(error)))
    share, rest = round(recipe.multiplier, 4), round(1 - recipe.multiplier, 4)
    formula = {
        MergeMethod.NO_INTERPOLATION: lambda: names[0],
        MergeMethod.WEIGHTED_SUM: lambda: f"{names[0]} × {rest:g} + {names[1]} × {share:g}",
        MergeMethod.ADD_DIFFERENCE: lambda: f"{names[0]} + ({names[1]} − {names[2]}) × {share:g}",
    }[recipe.method]()
    return f'<p class="merge-formula">{formula}</p><p class="hint">Becomes {result}</p>'


def _hint(text: str) -> str:
    return f'<p class="hint">{text}</p>'
