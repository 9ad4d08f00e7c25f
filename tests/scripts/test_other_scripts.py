from __future__ import annotations

import shutil
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.foundation.errors import RequestError
from tests.interrogate import tiny
from tests.scripts.conftest import Scripts


def test_a_matrix_has_a_picture_for_each_choice_whatever_the_batch_size(scripts: Scripts) -> None:
    made = scripts.make("prompt matrix", False, True, "positive", "comma", 2, prompt="a|b|c|d", batch_size=3)
    assert len(made.images) == 9
    assert [each.prompt for each in made.images[1:4]] == ["a", "a, b", "a, c"]
    assert [each.seed for each in made.images[1:]] == list(range(1, 9))
    with pytest.raises(RequestError, match="most is 12 parts"):
        scripts.make("prompt matrix", prompt="|".join("abcdefghijklmno"))


def test_lines_say_what_is_wrong_with_them(scripts: Scripts) -> None:
    for text, message in (
        ("", "no line"),
        ("fine\n--prompt 'open", "Line 2 cannot be read"),
        ("--nonsense 1", "'--nonsense' is no argument"),
        ("--steps many", "--steps cannot be 'many'"),
        ("--steps", "--steps has no value"),
    ):
        with pytest.raises(RequestError, match=message):
            scripts.make("prompts from file or textbox", False, False, "start", text)


def test_a_file_of_prompts_goes_into_the_box_unless_it_is_too_large_for_one(scripts: Scripts) -> None:
    module: Any = sys.modules.get("prompts_from_file.py") or pytest.skip("the scripts are not loaded")
    assert module.load_file("\ufeffa\nb\n".encode())[1] == "a\nb"
    with pytest.raises(RequestError, match="Split it"):
        module.load_file(bytes(module.LARGEST_FILE + 1))


def test_seeds_count_on_by_the_pictures_of_a_line(scripts: Scripts) -> None:
    made = scripts.make("prompts from file or textbox", True, False, "start", "a\nb", batch_count=2)
    assert [(each.prompt, each.seed) for each in made.images] == [
        ("a a photo of a cat", 1),
        ("a a photo of a cat", 2),
        ("b a photo of a cat", 3),
        ("b a photo of a cat", 4),
    ]


@given(st.sampled_from(["Aggressive", "Linear", "Lazy"]), st.integers(2, 30), st.floats(0, 1), st.floats(0, 1))
def test_strengths_begin_and_end_where_they_are_told(curve: str, loops: int, first: float, last: float) -> None:
    # The module is there once the scripts of a program were loaded; its functions need no program.
    module: Any = sys.modules.get("loopback.py") or pytest.skip("the scripts are not loaded")
    values = [module.strength_at(loop, loops, first, last, curve) for loop in range(loops)]
    assert values[0] == pytest.approx(first)
    assert values[-1] == pytest.approx(last, abs=1e-9)
    low, high = min(first, last), max(first, last)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)


@pytest.mark.parametrize(("first", "last"), [(0.75, 0.25), (1.0, 0.0), (0.0, 1.0)])
def test_a_steep_change_of_strength_over_few_loops_ends_where_it_is_told(
    scripts: Scripts, picture: Image.Image, first: float, last: float
) -> None:
    made = scripts.make("loopback", 2, last, "Linear", "None", init_images=(picture,), denoising_strength=first)
    assert len(made.images) == 3  # both rounds and their grid
    assert f"Final denoising strength: {last}" in made.images[-1].infotext


def test_one_loop_is_a_plain_run_and_models_that_are_missing_are_named(scripts: Scripts, picture: Image.Image) -> None:
    asked = {"init_images": (picture,), "denoising_strength": 0.5}
    assert len(scripts.make("loopback", 1, 0.2, "Lazy", "None", **asked).images) == 1
    with pytest.raises(RequestError, match="blip-image-captioning-base"):
        scripts.make("loopback", 2, 0.2, "Lazy", "CLIP", **asked)
    with pytest.raises(RequestError, match="by CLIP or DeepBooru, or None"):
        scripts.make("loopback", 2, 0.2, "Lazy", "Nobody", **asked)
    with pytest.raises(RequestError, match="curve"):
        scripts.make("loopback", 2, 0.2, "Steep", "None", **asked)


def test_words_for_the_picture_of_each_round_follow_the_prompt(scripts: Scripts, picture: Image.Image) -> None:
    app = scripts.application
    tiny.write_booru(app.paths.models / "torch_deepdanbooru")
    app.settings.change({"interrogate_deepbooru_score_threshold": 0.0}, save=False)
    try:
        asked = {"init_images": (picture,), "denoising_strength": 0.5, "prompt": "a hill"}
        made = scripts.make("loopback", 2, 0.2, "Lazy", "DeepBooru", **asked)
    finally:
        app.settings.change({"interrogate_deepbooru_score_threshold": 0.5}, save=False)
        shutil.rmtree(app.paths.models / "torch_deepdanbooru")
    rounds = [each.prompt for each in made.images if each.kind != "grid"]
    assert rounds == [r"a hill, 1girl, long hair, saber \(fate\), solo"] * 2


def test_an_upscaled_picture_has_its_size_also_where_it_is_odd(scripts: Scripts) -> None:
    picture = Image.effect_noise((101, 77), 60).convert("RGB")
    asked = {"init_images": (picture,), "denoising_strength": 0.3, "batch_size": 2}
    made = scripts.make("sd upscale", "", 16, "None", 2.0, **asked)
    assert [each.image.size for each in made.images] == [(101, 77)]
    assert len(scripts.make("sd upscale", "", 16, 0, 2.0, **asked, batch_count=2).images) == 2
    for arguments, message in ((("", 64, "None", 2.0), "overlap"), (("", 16, "No such", 2.0), "no upscaler")):
        with pytest.raises(RequestError, match=message):
            scripts.make("sd upscale", *arguments, **asked)


def test_outpainting_keeps_what_is_there_and_makes_the_rest(scripts: Scripts, picture: Image.Image) -> None:
    asked = {"init_images": (picture,), "denoising_strength": 0.8}
    made = scripts.make("outpainting mk2", "", 16, 0, ["left", "down"], 1.0, 0.05, **asked).images[0].image
    assert made.size == (88, 80)
    kept = np.asarray(made.crop((40, 0, 88, 40))).astype(int)
    assert np.abs(kept - np.asarray(picture.crop((24, 0, 72, 40)))).max() <= 1
    poor = scripts.make("poor man's outpainting", 16, 0, 1, ["right"], **asked).images[0].image
    assert poor.size == (128, 64)
    with pytest.raises(RequestError, match="Directions"):
        scripts.make("outpainting mk2", "", 16, 4, ["north"], **asked)
    with pytest.raises(RequestError, match="Directions"):
        scripts.make("poor man's outpainting", 16, 4, 0, [], **asked)


def test_an_even_picture_is_said_to_be_too_even_to_go_on_with(scripts: Scripts) -> None:
    even = Image.new("RGB", (64, 64), (0, 0, 255))
    made = scripts.make("outpainting mk2", "", 16, 0, ["left"], init_images=(even,), denoising_strength=0.8)
    assert any("so even" in warning for warning in made.warnings)


def test_the_alternative_test_refuses_samplers_that_it_cannot_turn_round(
    scripts: Scripts, picture: Image.Image
) -> None:
    arguments = ["", False, True, "", "", True, 30, True, 1.0, 0.0, True]
    with pytest.raises(RequestError, match="choose Euler"):
        scripts.make("img2img alternative test", *arguments, init_images=(picture.resize((64, 64)),), sampler="DDIM")


def test_code_is_no_script_unless_it_is_allowed(scripts: Scripts) -> None:
    assert scripts.application.registries.scripts.find("custom code") is None
