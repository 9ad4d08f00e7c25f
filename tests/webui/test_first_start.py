"""The prompt and the size of a first start, and what stands against them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.application.application import Application
from modules.settings.flags import parse_flags
from modules.webui.first_start import PROMPT, first_inputs
from modules.webui.ui_config import UiConfig
from tests.tiny_models import make_tiny_sd1
from tests.webui.panels import built_page


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    made = Application(parse_flags(["--data-dir", str(tmp_path), "--use-cpu", "all"]))
    yield made
    made.close()


def found(app: Application) -> object:
    return first_inputs(app, UiConfig(app.paths.ui_config_file))


def test_the_starter_model_alone_begins_with_a_prompt_at_its_own_size(app: Application) -> None:
    wanted = {"txt2img_prompt": PROMPT, "txt2img_width": 256, "txt2img_height": 256}
    assert found(app) == wanted
    built_page(app)
    # The file with the users' defaults is complete now; none of them has been changed.
    assert json.loads(app.paths.ui_config_file.read_text(encoding="utf-8"))["txt2img/Width/value"] == 512
    assert found(app) == wanted


@pytest.mark.parametrize(("control", "value"), [("Prompt", "a cat"), ("Width", 768), ("Height", 256)])
def test_a_default_that_the_user_has_chosen_wins(app: Application, control: str, value: object) -> None:
    app.paths.ui_config_file.write_text(json.dumps({f"txt2img/{control}/value": value}), encoding="utf-8")
    assert found(app) == {}


def test_a_checkpoint_of_ones_own_begins_as_ever(app: Application, tmp_path: Path) -> None:
    make_tiny_sd1(tmp_path / "models" / "Stable-diffusion" / "mine.safetensors")
    app.catalogue.refresh()
    assert found(app) == {}
