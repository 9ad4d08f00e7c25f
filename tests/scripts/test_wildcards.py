"""Templates in real runs: what is made, what is kept beside the pictures, and what comes back from it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.application.infotexts import parameters_of
from modules.extension_host.extension import Extension
from modules.foundation.errors import RequestError
from modules.generation.request import GenerationRequest, HiresRequest
from modules.generation.result import GenerationResult
from modules.infotext.parse import parse
from modules.prompts.styles import Style
from tests.scripts.conftest import Scripts


@pytest.fixture
def folder(scripts: Scripts) -> Iterator[Path]:
    folder = scripts.application.paths.data / "wildcards"
    folder.mkdir()
    (folder / "colours.txt").write_text("red\ngreen\nblue\n")
    yield folder
    shutil.rmtree(folder)


def make(scripts: Scripts, prompt: str, *arguments: Any, **changes: Any) -> GenerationResult:
    asked: dict[str, Any] = {
        "seed": 1,
        "steps": 1,
        "width": 64,
        "height": 64,
        "sampler": "Euler",
        "save_images": False,
        "save_grid": False,
        "script_arguments": {"wildcards": arguments} if arguments else {},
    }
    return scripts.application.submit(GenerationRequest(prompt=prompt, **{**asked, **changes})).wait(300)


def test_a_prompt_without_templates_needs_no_p(scripts: Scripts) -> None:
    plain = GenerationRequest(prompt="a (red:1.2) [cat|dog]", negative_prompt="bad_hands")
    assert not scripts.dialect.listens(plain)
    for template in ("a {red|blue} cat", "__colours__", "${x=1}"):
        assert scripts.dialect.listens(GenerationRequest(prompt=template))
        assert scripts.dialect.listens(GenerationRequest(negative_prompt=template))
        assert scripts.dialect.listens(GenerationRequest(hires=HiresRequest(prompt=template)))


def test_pictures_of_a_batch_differ_and_each_comes_again_alone(scripts: Scripts, folder: Path) -> None:
    made = make(scripts, "a __colours__ {cat|dog}, {1girl}", negative_prompt="{ugly|bad}", batch_size=4)
    prompts = [each.prompt for each in made.images]
    assert len(set(prompts)) > 1
    assert all(prompt.endswith(", {1girl}") for prompt in prompts)
    again = make(scripts, "a __colours__ {cat|dog}, {1girl}", negative_prompt="{ugly|bad}", seed=3).images[0]
    assert (again.prompt, again.negative_prompt) == (prompts[2], made.images[2].negative_prompt)
    written = parse(made.images[0].infotext)
    assert written.prompt == prompts[0]
    assert written.parts["Template"] == "a __colours__ {cat|dog}, {1girl}"
    assert written.parts["Negative Template"] == "{ugly|bad}"


def test_the_second_pass_has_the_words_of_the_first(scripts: Scripts, folder: Path) -> None:
    hires = HiresRequest(scale=1.0, steps=1, upscaler="Latent")
    for mode in ("random", "by index"):
        made = make(scripts, "a __colours__ {cat|dog}", mode, hires=hires, denoising_strength=0.5, batch_size=2, seed=5)
        assert all("Hires prompt" not in parse(each.infotext).parts for each in made.images)


def test_one_after_another_from_an_index_on(scripts: Scripts, folder: Path) -> None:
    made = make(scripts, "a __colours__ cat", "by index", 2, batch_count=2)
    assert [each.prompt for each in made.images] == ["a blue cat", "a red cat"]
    assert parse(made.images[0].infotext).parts["Wildcard mode"] == "by index"
    assert parse(made.images[0].infotext).parts["Wildcard first index"] == "2"


def test_all_combinations_make_a_picture_each_up_to_a_limit(scripts: Scripts, folder: Path) -> None:
    made = make(scripts, "a __colours__ {cat|dog}", "all combinations", 0, 5, batch_size=2)
    assert [each.prompt for each in made.images] == [
        "a red cat",
        "a red dog",
        "a green cat",
        "a green dog",
        "a blue cat",
    ]
    assert [each.seed for each in made.images] == [1, 2, 3, 4, 5]
    made = make(scripts, "{cat|dog}", "all combinations", 0, 100, True, negative_prompt="{x|y}", subseed_strength=0.0)
    assert [(each.prompt, each.negative_prompt, each.seed) for each in made.images] == [
        ("cat", "x", 1),
        ("cat", "y", 1),
        ("dog", "x", 1),
        ("dog", "y", 1),
    ]
    assert len(make(scripts, "no choice {x}", "all combinations", batch_size=3).images) == 3


def test_the_setting_decides_what_curly_brackets_are(scripts: Scripts, folder: Path) -> None:
    for dialect in ("NovelAI", "A1111, {} is text", "none"):
        asked = {"override_settings": {"prompt_dialect": dialect}}
        assert make(scripts, "{red|blue} cat", **asked).images[0].prompt == "{red|blue} cat"
        assert make(scripts, "__colours__ {cat}", "by index", **asked).images[0].prompt == "red {cat}"


def test_what_cannot_be_used_stands_and_is_told(scripts: Scripts, folder: Path) -> None:
    (folder / "loop.txt").write_text("x __loop__")
    made = make(scripts, "a __loop__ and __gone__")
    assert made.images[0].prompt == "a __loop__ and __gone__"
    assert "Template" not in parse(made.images[0].infotext).parts
    told = " ".join(made.warnings)
    assert "loop.txt, line 1" in told
    assert '"gone" is not there' in told
    for arguments, message in ((("sideways",), "mode"), (("random", -1), "First index"), (("random", 0, 0), "Most")):
        with pytest.raises(RequestError, match=message):
            make(scripts, "{a|b}", *arguments)


def test_templates_come_back_when_parameters_are_pasted_if_the_setting_says_so(scripts: Scripts, folder: Path) -> None:
    app = scripts.application
    app.styles.replace([Style(name="coloured", prompt="{prompt}, {red|blue} light", negative_prompt="grey")])
    made = make(scripts, "a {cat|dog}", negative_prompt="{x|y}", styles=("coloured",))
    text = made.images[0].infotext
    assert parameters_of(text, app)["Prompt"] == made.images[0].prompt
    app.settings.change({"paste_templates": True}, save=False)
    try:
        back = parameters_of(text, app)
        assert (back["Prompt"], back["Negative prompt"]) == ("a {cat|dog}", "{x|y}")
        assert back["Styles array"] == ["coloured"]
        plain = make(scripts, "a cat").images[0].infotext
        assert parameters_of(plain, app)["Prompt"] == "a cat"
    finally:
        app.settings.change({"paste_templates": False}, save=False)
        app.styles.replace([])


def test_the_extension_that_expands_templates_itself_goes_before_us(
    scripts: Scripts, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = scripts.application.extensions
    extension = Extension(name="sd-dynamic-prompts", root=folder)
    host.extensions.append(extension)
    try:
        with caplog.at_level(logging.INFO):
            for _ in range(2):
                assert make(scripts, "{red|blue} cat").images[0].prompt == "{red|blue} cat"
        assert caplog.text.count("left to the extension sd-dynamic-prompts") == 1
        extension.why_off = "switched off"
        assert make(scripts, "{red|blue} cat").images[0].prompt in ("red cat", "blue cat")
    finally:
        host.extensions.remove(extension)
