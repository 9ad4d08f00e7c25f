"""What measures pictures beside the judge, and the drawing of the loss."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from starter_model.behaviour import largest_share, redness
from starter_model.curve import draw_curve, read_log, smoothed
from starter_model.draw import render
from starter_model.sampler import noise_levels
from starter_model.world import Figure, Scene, kind_of, scene_of_seed


def _circle(colour: str, strength: float) -> np.ndarray:
    figure = Figure(name="circle", colour=colour, x=0.5, y=0.5, size=0.35, strength=strength)
    return np.asarray(render(Scene(figures=(figure,), background="white", view=None, style="flat"), 128))


def test_redness_rises_with_the_strength_of_red_and_is_negative_for_blue() -> None:
    values = [redness(_circle("red", strength)) for strength in (0.6, 1.0, 1.4)]
    assert values == sorted(values)
    assert values[0] < values[1] - 20
    assert redness(_circle("blue", 1.0)) < 0


def test_the_largest_share_tells_one_thing_from_two() -> None:
    picture = np.full((128, 128, 3), 245, np.uint8)
    assert largest_share(picture, "red") == 0.0
    picture[20:60, 20:60] = (214, 40, 40)
    assert largest_share(picture, "red") == 1.0
    picture[80:120, 80:120] = (214, 40, 40)
    assert largest_share(picture, "red") == 0.5


def test_every_kind_of_scene_is_told() -> None:
    kinds = [kind_of(scene_of_seed(seed)) for seed in range(400)]
    assert {kind: kinds.count(kind) > 15 for kind in kinds} == {"figure": True, "pair": True, "view": True}


def test_the_loss_log_is_read_smoothed_and_drawn(tmp_path: Path) -> None:
    with (tmp_path / "unet.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", "pictures", "loss", "error"])
        writer.writerows([[60 * i, 10 * i, "nan" if i == 3 else 1 / (i + 1), 0] for i in range(30)])
    points = read_log(tmp_path / "unet.csv", "loss")
    assert len(points) == 29
    assert points[1] == (1.0, 0.5)
    soft = smoothed([(0, 1.0), (1, 3.0), (2, 5.0), (9, 7.0)], 1.0)
    assert soft == [(0, 2.0), (1, 3.0), (2, 4.0), (9, 7.0)]
    image = draw_curve(points, "loss")
    assert len(image.getcolors(1 << 20) or []) > 3


def test_noise_levels_run_from_the_schedules_end_to_nothing() -> None:
    sigmas, times = noise_levels(20)
    assert sigmas[0].item() == pytest.approx(14.6146, abs=1e-3)
    assert sigmas[-1].item() == 0.0
    assert bool((sigmas.diff() < 0).all())
    assert times[0].item() == 999
    assert len(sigmas) == 21
