"""Presets of quality words and unwanted content in real runs."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from modules.foundation.errors import RequestError, UnknownName
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.infotext.parse import parse
from modules.prompts.craft.presets import ModelPresets
from tests.scripts.conftest import Scripts


def make(scripts: Scripts, *arguments: Any, **changes: Any) -> GenerationResult:
    asked: dict[str, Any] = {"prompt": "wolf", "seed": 1, "steps": 1, "width": 64, "height": 64, "sampler": "Euler"}
    asked |= {"save_images": False, "save_grid": False, "script_arguments": {"quality words": arguments}}
    return scripts.application.submit(GenerationRequest(**{**asked, **changes})).wait(300)


def test_presets_are_put_to_the_prompts_once_and_named(scripts: Scripts) -> None:
    furry = "wolf, (best quality, amazing quality:1.05)"
    made = make(scripts, "NovelAI furry", "NovelAI V3 Light", negative_prompt="cat").images[0]
    assert made.prompt == furry
    assert made.negative_prompt.startswith("nsfw, lowres, jpeg artifacts")
    assert made.negative_prompt.endswith("very displeasing, bad quality, cat")
    written = parse(made.infotext).parts
    assert (written["Quality words"], written["Unwanted content"]) == ("NovelAI furry", "NovelAI V3 Light")
    again = make(scripts, "NovelAI furry", "NovelAI V3 Light", prompt=furry, negative_prompt=made.negative_prompt)
    assert (again.images[0].prompt, again.images[0].negative_prompt) == (made.prompt, made.negative_prompt)


def test_without_a_preset_nothing_changes_and_one_that_is_not_there_is_refused(scripts: Scripts) -> None:
    nothing = GenerationRequest(prompt="wolf", script_arguments={"quality words": ("None", "None")})
    assert not scripts.dialect.listens(nothing)
    made = make(scripts, "None", "Automatic", prompt="a {cat|dog}").images[0]
    assert made.prompt in ("a cat", "a dog")
    with pytest.raises(RequestError, match="NovelAI furry"):
        make(scripts, "NovelAI fury")


@pytest.mark.usefixtures("scripts")
def test_what_will_be_put_is_shown_before() -> None:
    preview: Any = sys.modules["quality_words.py"].preview
    assert "Nothing" in preview("None", None)
    assert "best quality, amazing quality" in preview("NovelAI furry", "None")
    assert "very displeasing, bad quality" in preview("None", "NovelAI V3 Light")
    assert "Did you mean" in preview("NovelAI fury", "None")


def test_the_presets_of_a_model_can_be_chosen_by_hand(scripts: Scripts) -> None:
    craft = scripts.application.prompt_craft
    before = craft.presets_for()
    info = craft.keep_presets("", ModelPresets(quality="NovelAI furry", unwanted="SDXL anime"))
    try:
        assert craft.presets_for(info.name) == ModelPresets(quality="NovelAI furry", unwanted="SDXL anime")
        made = make(scripts, "Automatic", "None", prompt="wolf").images[0]
        assert made.prompt == "wolf, (best quality, amazing quality:1.05)"
        assert parse(made.infotext).fields["Quality words"] == "NovelAI furry"
        with pytest.raises(UnknownName, match="NovelAI furry"):
            craft.keep_presets("", ModelPresets(quality="NovelAI fury"))
    finally:
        craft.keep_presets("", None)
    assert craft.presets_for() == before
