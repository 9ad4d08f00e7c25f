"""The world of the starter model: scenes, pictures, captions, what is held out."""

from __future__ import annotations

import numpy as np
import pytest

from starter_model.captions import SYNONYMS, caption, plain_text
from starter_model.draw import render
from starter_model.world import (
    COLOURS,
    PALETTE,
    SHAPES,
    SKIES,
    Scene,
    colour_value,
    held_out_triples,
    is_held_out,
    scene_of_seed,
)


def _says(text: str, word: str) -> bool:
    words = {word, *SYNONYMS.get(word, ())}
    return any(f" {each}" in f" {text}" for each in words)


def _triples(scene: Scene) -> list[tuple[str, str, str]]:
    return [(f.colour, f.name, scene.background) for f in scene.figures if scene.background and f.name in SHAPES]


def test_a_seed_draws_the_same_scene_and_the_same_pixels_again() -> None:
    for seed in (0, 7, 10_000_001):
        assert scene_of_seed(seed) == scene_of_seed(seed)
        first, again = (np.asarray(render(scene_of_seed(seed), 64)) for _ in range(2))
        assert np.array_equal(first, again)
    assert scene_of_seed(0) != scene_of_seed(1)


def test_a_picture_has_the_asked_size_and_shows_the_same_scene_at_every_size() -> None:
    small, large = (np.asarray(render(scene_of_seed(3), side), np.float64) for side in (64, 128))
    assert small.shape == (64, 64, 3)
    assert large.shape == (128, 128, 3)
    assert np.abs(large.reshape(64, 2, 64, 2, 3).mean((1, 3)) - small).mean() < 3


def test_there_are_enough_held_out_triples_and_they_touch_every_shape_and_colour() -> None:
    triples = held_out_triples()
    assert len(triples) >= 200
    assert len(set(triples)) == len(triples)
    assert {shape for _, shape, _ in triples} == set(SHAPES)
    assert {colour for colour, _, _ in triples} == set(COLOURS) == {behind for _, _, behind in triples}


def test_held_out_triples_never_occur_in_training_scenes_nor_in_their_captions() -> None:
    rng = np.random.default_rng(0)
    sentences = {f"{c} {s} on a {b} background" for c, s, b in held_out_triples()}
    seen = 0
    for seed in range(6000):
        scene = scene_of_seed(seed)
        for triple in _triples(scene):
            seen += 1
            assert not is_held_out(*triple)
        if len(scene.figures) == 1:
            text = plain_text(caption(scene, rng))
            assert not any(sentence in text for sentence in sentences)
    assert seen > 3000


def test_what_is_not_held_out_does_occur() -> None:
    drawn = {triple for seed in range(15_000) for triple in _triples(scene_of_seed(seed))}
    every = {(c, s, b) for c in COLOURS for s in SHAPES for b in COLOURS if c != b}
    assert len(drawn) > 0.98 * len(every - set(held_out_triples()))


def test_captions_name_no_colour_and_no_shape_that_is_not_in_the_picture() -> None:
    rng = np.random.default_rng(1)
    for seed in range(3000):
        scene = scene_of_seed(seed)
        text = plain_text(caption(scene, rng)).replace("black outline", "outline").replace("blue sky", "sky")
        text = text.replace("white snow", "snow").replace("cross", "cross ")
        shown = {figure.colour for figure in scene.figures} | {scene.background}
        shown |= {scene.view.ground_colour} if scene.view else set()
        for colour in set(COLOURS) - shown:
            assert not _says(text, f"{colour} "), (colour, text)
        names = {figure.name for figure in scene.figures}
        for shape in set(SHAPES) - names:
            assert not _says(text, shape), (shape, text)
        if scene.view is not None:
            for sky in set(SKIES) - {scene.view.sky}:
                assert not _says(text, f"{sky} sky"), (sky, text)


def test_most_captions_name_the_figure_with_its_colour() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(1000):
        scene = scene_of_seed(seed)
        text = plain_text(caption(scene, rng))
        hits += all(_says(text, f.colour) and _says(text, f.name) for f in scene.figures[:1])
    assert hits > 850


def test_a_weighted_colour_word_comes_exactly_with_a_figure_of_that_strength() -> None:
    rng = np.random.default_rng(3)
    for seed in range(1500):
        scene = scene_of_seed(seed)
        weights = dict(caption(scene, rng))
        for figure in scene.figures:
            if figure.strength != 1.0:
                spoken = [w for text, w in weights.items() if text in (figure.colour, *SYNONYMS.get(figure.colour, ()))]
                assert spoken == [figure.strength]


@pytest.mark.parametrize("colour", [c for c in COLOURS if c not in ("white", "black")])
def test_strength_makes_a_colour_greyer_or_purer_in_order(colour: str) -> None:
    spread = [np.ptp(colour_value(colour, strength)) for strength in (0.4, 0.7, 1.0, 1.3)]
    assert spread == sorted(spread)
    assert spread[0] < spread[2]


def test_strength_one_is_the_palette_itself() -> None:
    assert {colour: colour_value(colour) for colour in COLOURS} == PALETTE
