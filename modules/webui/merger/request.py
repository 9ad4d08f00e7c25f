"""What the controls of the merger ask for, and how that is told as a formula."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modules.application.merging import recipe_from
from modules.checkpoints.merge.recipe import ConfigSource, MergeMethod, MergeRecipe
from modules.foundation.errors import EaselError
from modules.webui.merger import controls as own
from modules.webui.panel.given import Given

if TYPE_CHECKING:
    from modules.application.application import Application

ControlValues = Mapping[str, object]

FIELDS = {control.name: control.label for control in own.MODELS}
"""The names of fields that messages mention, as the tab calls them."""


def merge_recipe(app: Application, values: ControlValues) -> MergeRecipe:
    """The recipe. Raises EaselError that names the field."""
    given = Given(values)
    return recipe_from(
        app,
        [given.text(control.name) for control in own.MODELS],
        MergeMethod(given.text("interp_method")),
        given.text("bake_in_vae"),
        given.text("metadata_json"),
        multiplier=given.number("multiplier", "Multiplier (M)"),
        name=given.text("custom_name"),
        format="ckpt" if given.text("checkpoint_format") == "ckpt" else "safetensors",
        half=given.switch("save_as_half"),
        config_source=ConfigSource(given.one_of("config_source", own.CONFIGS)),
        discard=given.text("discard_weights"),
        save_metadata=given.switch("save_metadata"),
        add_recipe=given.switch("add_merge_recipe"),
        copy_metadata=given.switch("copy_metadata_fields"),
    )


def formula_html(app: Application, values: ControlValues) -> str:
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
