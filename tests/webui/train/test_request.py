"""What the Train tab asks for, without a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modules.application.application import Application
from modules.foundation.errors import RequestError, UnknownName
from modules.settings.flags import parse_flags
from modules.training.options import PreviewOptions
from modules.webui.panel.control import Control
from modules.webui.train import controls as own
from modules.webui.train.request import preview_options, training_options


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    app = Application(parse_flags(["--data-dir", str(tmp_path)]))
    yield app
    app.close()


def begun() -> dict[str, Any]:
    """The values that the controls begin with."""
    declared = [each for each in vars(own).values() if isinstance(each, Control)]
    return {control.name: getattr(control.kind, "value", None) for control in declared}


def test_an_embedding_is_asked_for_with_a1111s_values(app: Application) -> None:
    values: Mapping[str, object] = {**begun(), "embedding": "word", "dataset": "/pictures", "cards": True}
    options = training_options(app, "embedding", values, None)
    assert options.name == "word"
    assert options.steps.learning_rate == "0.005"
    assert options.steps.steps == 100_000
    assert options.dataset.folder == "/pictures"
    assert options.dataset.fit == "crop"
    assert any("[name]" in line for line in options.dataset.template)
    assert (options.output.save_every, options.output.preview_every) == (500, 500)
    assert options.output.picture_cards
    assert options.output.preview == PreviewOptions()


def test_a_lora_takes_captions_as_they_are_and_its_own_steps(app: Application) -> None:
    values = {**begun(), "lora_name": "mine", "rank": 4, "conv_rank": 2, "min_snr": 0, "text_encoder": True}
    options = training_options(app, "lora", values, None)
    assert options.dataset.template == ()
    assert options.dataset.fit == "buckets"
    assert options.steps.steps == 1000
    assert options.steps.min_snr_gamma is None
    assert (options.lora.rank, options.lora.conv_rank, options.lora.text_encoder) == (4, 2, True)


def test_sample_pictures_are_made_as_txt2img_says_where_that_is_wanted(app: Application) -> None:
    txt2img = {"prompt": "a cat", "negative_prompt": "", "steps": 8, "sampler": "Euler", "cfg_scale": 4, "seed": None}
    preview = preview_options({**txt2img, "width": 256, "height": 320})
    values = {**begun(), "hypernetwork": "hyper", "from_txt2img": True}
    found = training_options(app, "hypernetwork", values, preview).output.preview
    assert (found.prompt, found.steps, found.width, found.height, found.seed) == ("a cat", 8, 256, 320, -1)
    without = training_options(app, "hypernetwork", {**values, "from_txt2img": False}, preview)
    assert without.output.preview == PreviewOptions()


def test_what_is_missing_or_wrong_is_named(app: Application) -> None:
    values = {**begun(), "embedding": "word"}
    with pytest.raises(RequestError, match="Choose the embedding"):
        training_options(app, "embedding", {**values, "embedding": ""}, None)
    with pytest.raises(RequestError, match="Max steps is empty"):
        training_options(app, "embedding", {**values, "steps": None}, None)
    with pytest.raises(RequestError, match="steps batch size"):
        training_options(app, "embedding", {**values, "batch_size": 0}, None)
    with pytest.raises(UnknownName, match="template"):
        training_options(app, "embedding", {**values, "template": "none.such"}, None)
