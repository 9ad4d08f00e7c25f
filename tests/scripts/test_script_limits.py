"""Scripts that are asked for more than anybody can look at, or than a machine can hold, say so at once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from modules.application.scripts import Script
from modules.foundation.errors import Forbidden, RequestError
from modules.imaging.grid_legend import Caption, with_legend
from modules.prompts.xyz_axis_values import MOST_VALUES
from tests.scripts.conftest import Scripts

XYZ = "X/Y/Z plot"
NOTHING = [0, "", []]


def plot(x: list[Any], y: list[Any] = NOTHING, z: list[Any] = NOTHING, margin: Any = 0) -> list[Any]:
    """The arguments of a plot."""
    return [*x, *y, *z, True, False, False, False, False, False, False, margin, False]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (plot([1, "1-10000," * 5000, []]), "All its ranges together"),
        (plot([1, "1," * (MOST_VALUES + 1), []]), "10,002 values"),
        (plot([7, "x," * (MOST_VALUES + 1), []]), "10,002 values"),
        (plot([1, "1-100", []], [4, "1-200", []]), "20,000 pictures"),
        (plot(["Steps", "1000000000", []]), "steps must lie between 1 and 10000"),
        (plot(["Steps", "-5", []]), "steps must"),
        (plot(["Seed", "9" * 30, []]), "seed must lie between"),
        (plot(["Seed", "1" * 4000, []]), "neither a number"),
        (plot([1, "1,2", []], margin=10**9), "A margin must lie between 0 and 500"),
        (plot([1, "1,2", []], margin=-1), "A margin must lie between 0 and 500"),
        (plot([1, "1,2", []], margin="wide"), "A margin must lie between 0 and 500"),
    ],
)
def test_a_plot_has_an_end(scripts: Scripts, arguments: list[Any], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        scripts.make(XYZ, *arguments, width=8, height=8)


def test_chosen_values_count_like_typed_ones(scripts: Scripts) -> None:
    with pytest.raises(RequestError, match="10,001 values"):
        scripts.make(XYZ, *plot(["Sampler", "", ["Euler"] * (MOST_VALUES + 1)]))


def test_lines_are_counted_before_they_are_read(scripts: Scripts) -> None:
    with pytest.raises(RequestError, match="1,000,000 pictures"):
        scripts.make("Prompts from file or textbox", False, False, "start", "a\n" * 1_000_000)
    with pytest.raises(RequestError, match="10,100 pictures"):
        scripts.make("Prompts from file or textbox", False, False, "start", "--prompt a --n_iter 101\n" * 100)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("--prompt a --steps 999999", "steps must lie between 1 and 10000"),
        ("--prompt a --batch_size 100000", "pictures"),
        ("--prompt a --batch_size 600 --width 8 --height 8", "batch_size must lie between 1 and 512"),
        ("--prompt a --width 100000", "a side must lie between"),
        ("--prompt a --seed " + "9" * 40, "seed must lie between"),
        ("--prompt a --subseed " + "9" * 4000, "subseed must lie between"),
        ("--prompt a --seed_resize_from_w 100000", "seed_resize_from_w must lie between"),
        ("--prompt a --cfg_scale 1e308", "cfg_scale must lie between"),
        ("--prompt a --cfg_scale nan", "cfg_scale must lie between"),
    ],
)
def test_a_line_asks_for_no_more_than_a_request_may(scripts: Scripts, line: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        scripts.make("Prompts from file or textbox", False, False, "start", line)


def test_a_long_line_and_a_long_matrix_are_refused_before_they_are_read(scripts: Scripts) -> None:
    with pytest.raises(RequestError, match="1,000,009 characters"):
        scripts.make("Prompts from file or textbox", False, False, "start", "--prompt " + "a" * 1_000_000)
    for text in ("|" * 99_000, "|".join(["a" * 8000] * 12)):
        with pytest.raises(RequestError, match="combine"):
            scripts.make("Prompt matrix", prompt=text)


@pytest.mark.parametrize("line", ["outpath_samples {}", "outpath_grids {}", "sd_model {}"])
def test_a_line_changes_no_setting_that_clients_may_not_change(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, line: str
) -> None:
    folders = {"outdir_samples", "outdir_grids", "sd_model_checkpoint"}
    policy = replace(scripts.application.policy, frozen=frozenset(folders))
    monkeypatch.setattr(scripts.application, "policy", policy)
    place = tmp_path / "elsewhere"
    with pytest.raises(Forbidden, match="cannot be changed from here"):
        scripts.make(
            "Prompts from file or textbox",
            False,
            False,
            "start",
            "--prompt a --" + line.format(place),
            save_images=True,
        )
    assert not place.exists()


def test_an_axis_changes_no_setting_that_clients_may_not_change(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = replace(scripts.application.policy, frozen=frozenset({"CLIP_stop_at_last_layers"}))
    monkeypatch.setattr(scripts.application, "policy", policy)
    with pytest.raises(Forbidden, match="cannot be changed from here"):
        scripts.make(XYZ, *plot(["Clip skip", "2", []]))


@pytest.mark.parametrize("wrong", [[], {}, "x", 1e308, float("nan"), float("inf"), [{}], True, -1, 10**30])
def test_arguments_of_any_kind_are_taken_or_refused_with_their_name(scripts: Scripts, wrong: Any) -> None:
    ours = [each for each in scripts.application.registries.scripts if each.is_strict]
    assert len(ours) == 12
    for script in ours:
        for img2img in (False, True):
            if script.is_for(img2img=img2img):
                _tried_at_each_place(script, wrong, img2img=img2img)


def _tried_at_each_place(script: Script, wrong: Any, *, img2img: bool) -> None:
    arguments = script.arguments_of(img2img=img2img)
    assert script.given_by_client([None] * len(arguments), img2img=img2img) == script.with_defaults(img2img=img2img)
    for place, argument in enumerate(arguments):
        given = [None] * place + [wrong]
        try:
            taken = script.given_by_client(given, img2img=img2img)[place]
        except RequestError:
            with pytest.raises(RequestError, match=re.escape(script.name)):
                script.given_by_client(given, img2img=img2img)
            continue
        if isinstance(argument.value, list) or argument.value is None:
            assert isinstance(taken, list)
        elif argument.shown is None:
            assert isinstance(taken, bool | int | float) == isinstance(argument.value, bool | int | float)


def test_a_number_may_be_written_as_text(scripts: Scripts) -> None:
    loopback = scripts.application.registries.scripts.find("Loopback")
    assert loopback is not None
    assert loopback.given_by_client(["3"], img2img=True)[0] == 3


def test_rounds_and_tiles_are_counted(scripts: Scripts) -> None:
    picture = Image.new("RGB", (64, 64), "red")
    with pytest.raises(RequestError, match="100,000 pictures"):
        scripts.make("Loopback", 100, 0.5, "Linear", "None", init_images=(picture,), batch_count=1000)
    with pytest.raises(RequestError, match="pictures, and the most is 10,000"):
        scripts.make("SD upscale", "", 63, "Lanczos", 4, init_images=(picture,), width=64, height=64)


def test_a_caption_is_cut_and_a_legend_that_would_be_too_large_is_left_out() -> None:
    grid = Image.new("RGB", (128, 64))
    captions = [[Caption("word " * 10_000)], [Caption("w" * 50_000)]]
    drawn = with_legend(grid, (64, 64), captions, [[Caption()]])
    assert drawn.width == 128
    assert 64 < drawn.height < 5000
    assert with_legend(grid, (64, 64), captions, [[Caption()]], most_pixels=128 * 100) is grid
