"""What the controls of the merger ask for, and how it is told before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.application.merging import model_metadata
from modules.checkpoints.merge.recipe import ConfigSource, MergeMethod
from modules.foundation.errors import RequestError, UnknownName
from modules.settings.flags import Flags
from modules.webui.merger import controls as own
from modules.webui.merger.request import formula_html, merge_recipe
from tests.tiny_models import make_tiny_sd1

VALUES: dict[str, object] = {
    "primary_model_name": "one.safetensors",
    "secondary_model_name": "two <b>.safetensors",
    "tertiary_model_name": "",
    "custom_name": "",
    "multiplier": 0.3,
    "interp_method": "Weighted sum",
    "checkpoint_format": "ckpt",
    "save_as_half": True,
    "config_source": own.CONFIGS[3],
    "bake_in_vae": "None",
    "discard_weights": "^model_ema",
    "save_metadata": True,
    "add_merge_recipe": False,
    "copy_metadata_fields": True,
    "metadata_json": '{"author": "me"}',
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    data = tmp_path_factory.mktemp("merger")
    folder = data / "models" / "Stable-diffusion"
    make_tiny_sd1(folder / "one.safetensors")
    (folder / "two <b>.safetensors").write_bytes((folder / "one.safetensors").read_bytes())
    application = Application(Flags(data_dir=Path(data)))
    yield application
    application.close()


def test_a_recipe_has_what_was_chosen(app: Application) -> None:
    recipe = merge_recipe(app, VALUES)
    assert [model.model_name for model in recipe.models] == ["one", "two <b>"]
    assert (recipe.method, recipe.multiplier, recipe.format) == (MergeMethod.WEIGHTED_SUM, 0.3, "ckpt")
    assert (recipe.half, recipe.config_source, recipe.add_recipe) == (True, ConfigSource.NONE, False)
    assert (recipe.discard, recipe.metadata) == ("^model_ema", {"author": "me"})


def test_the_formula_has_the_names(app: Application) -> None:
    told = formula_html(app, VALUES)
    assert "<b>one</b> × 0.7 + <b>two &lt;b&gt;</b> × 0.3" in told
    assert "0.7(one) + 0.3(two &lt;b&gt;).ckpt" in told
    three = {**VALUES, "interp_method": "Add difference", "tertiary_model_name": "one.safetensors"}
    assert "<b>one</b> + (<b>two &lt;b&gt;</b> − <b>one</b>) × 0.3" in formula_html(app, three)
    alone = {**VALUES, "interp_method": "No interpolation", "custom_name": "mine"}
    assert "Becomes mine.ckpt" in formula_html(app, alone)
    assert "needs a model C" in formula_html(app, {**three, "tertiary_model_name": ""})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"primary_model_name": ""}, "primary_model_name"),
        ({"secondary_model_name": "tow"}, "secondary_model_name"),
        ({"metadata_json": "{"}, "metadata_json"),
        ({"multiplier": None}, "multiplier"),
    ],
)
def test_what_is_wrong_names_its_field(app: Application, changes: dict[str, object], field: str) -> None:
    with pytest.raises((RequestError, UnknownName)) as caught:
        merge_recipe(app, {**VALUES, **changes})
    assert caught.value.field == field
    assert "hint" in formula_html(app, {**VALUES, **changes})


def test_metadata_is_read_from_the_models(app: Application) -> None:
    found = model_metadata(app, ["one.safetensors", "two <b>.safetensors"])
    assert "format" not in found
    assert app.models.hash_all(["checkpoint"]) == len(app.catalogue.all())
    assert app.models.hash_all(["upscaler"]) == 0
