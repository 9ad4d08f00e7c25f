"""The judge of pictures, tried on pictures whose content is known."""

from __future__ import annotations

import numpy as np
import pytest

from starter_model.draw import render
from starter_model.evaluate import bar_prompts, score, table
from starter_model.judge import judge
from starter_model.world import COLOURS, SHAPES, Figure, Scene, is_held_out, scene_of_seed

Triple = tuple[str, str, str]


def _picture(colour: str, shape: str, background: str, size: float = 0.32) -> np.ndarray:
    figure = Figure(name=shape, colour=colour, x=0.47, y=0.52, size=size)
    return np.asarray(render(Scene(figures=(figure,), background=background, view=None, style="flat"), 256))


def _rendered(count: int) -> tuple[list[np.ndarray], list[Triple]]:
    pictures, triples = [], []
    seed = 5_000_000
    while len(pictures) < count:
        scene, seed = scene_of_seed(seed), seed + 1
        figure = scene.figures[0]
        plain = len(scene.figures) == 1 and scene.style == "flat" and figure.strength == 1.0
        if plain and scene.background is not None and figure.name in SHAPES:
            pictures.append(np.asarray(render(scene, 256)))
            triples.append((figure.colour, figure.name, scene.background))
    return pictures, triples


def test_the_judge_is_right_on_rendered_pictures_and_at_chance_on_shuffled_labels() -> None:
    pictures, triples = _rendered(120)
    figures = score(pictures, triples)
    assert figures["everything"] == 1.0
    shuffled = [triples[int(i)] for i in np.random.default_rng(0).permutation(len(triples))]
    mixed = score(pictures, shuffled)
    assert mixed["both_colours"] < 0.1
    assert mixed["shape"] < 0.3


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_and_softness_do_not_change_the_verdict(shape: str) -> None:
    picture = _picture("red", shape, "white").astype(np.float64)
    soft = (picture + np.roll(picture, 3, 0) + np.roll(picture, 3, 1) + np.roll(picture, -3, (0, 1))) / 4
    noisy = soft + np.random.default_rng(1).normal(0, 20, picture.shape)
    said = judge(np.clip(noisy, 0, 255).astype(np.uint8))
    assert (said.colour, said.shape, said.background) == ("red", shape, "white")


def test_an_empty_picture_shows_no_shape() -> None:
    assert judge(np.full((256, 256, 3), 200, np.uint8)).shape is None


def test_a_shapeless_smear_shows_no_shape() -> None:
    picture = np.full((256, 256, 3), 245, np.uint8)
    picture[120:136, 10:246] = (214, 40, 40)
    assert judge(picture).shape is None


def test_two_shapes_are_not_one() -> None:
    figures = tuple(Figure(name="circle", colour="red", x=x, y=0.5, size=0.2) for x in (0.25, 0.75))
    picture = np.asarray(render(Scene(figures=figures, background="white", view=None, style="flat"), 256))
    assert judge(picture).shape is None


def test_every_colour_is_told_from_every_other_before_every_background() -> None:
    for colour in COLOURS:
        for background in COLOURS:
            if colour != background:
                said = judge(_picture(colour, "circle", background)[::4, ::4])
                assert (said.colour, said.background) == (colour, background)


def test_the_bar_asks_for_held_out_triples_only_and_for_different_ones() -> None:
    asked = bar_prompts(200)
    assert len({prompt for _, prompt in asked}) == 200
    assert all(is_held_out(*triple) for triple, _ in asked)
    assert asked[0][1] == "a {} {} on a {} background".format(*asked[0][0])


def test_the_table_shows_every_figure_in_per_cent() -> None:
    pictures, triples = _rendered(8)
    wrong = [("black" if t[0] != "black" else "white", t[1], t[2]) for t in triples]
    figures = score(pictures, wrong)
    text = table(figures)
    assert figures["object_colour"] == 0.0
    assert figures["shape"] == 1.0
    assert len(figures["wrong"]) == 8
    assert "both colours" in text
    assert "100.0 %" in text
