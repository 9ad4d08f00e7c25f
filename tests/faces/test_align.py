from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from modules.faces.align import SIDE, TEMPLATE, Placed, cut_out, inverse, lay_back, similarity


def placed_at(x: float, y: float, side: float, turn: float = 0.0) -> np.ndarray:
    """Landmarks of a face whose square has this middle, side and turn (radians) in a picture."""
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return (TEMPLATE - (SIDE - 1) / 2) @ rotation.T * side / SIDE + [x, y]


def waves(width: int, height: int) -> Image.Image:
    """A smooth picture, which survives being sampled twice."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [128 + 100 * np.sin(x / (30 + 10 * k)) * np.cos(y / (40 - 8 * k)) for k in range(3)]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def test_a_similarity_is_found_again() -> None:
    points = placed_at(300, 200, 150, 0.4)
    matrix = similarity(points, TEMPLATE)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], TEMPLATE, atol=1e-6)
    back = inverse(matrix)
    np.testing.assert_allclose(TEMPLATE @ back[:, :2].T + back[:, 2], points, atol=1e-6)
    assert math.isclose(math.sqrt(np.linalg.det(matrix[:, :2])), SIDE / 150, rel_tol=1e-9)


def test_a_mirrored_face_is_turned_but_never_mirrored() -> None:
    assert np.linalg.det(similarity(TEMPLATE * [-1, 1], TEMPLATE)[:, :2]) > 0


@pytest.mark.parametrize(("side", "turn"), [(512, 0.0), (300, 0.3), (90, -0.5), (700, 1.2), (1300, 0.1)])
def test_a_face_that_nothing_was_done_to_leaves_its_picture_as_it_was(side: float, turn: float) -> None:
    picture = waves(900, 700)
    placed = cut_out(picture, placed_at(450, 350, side, turn))
    assert placed.image.size == (SIDE, SIDE)
    after = np.asarray(lay_back(picture, placed), dtype=int)
    assert np.abs(after - np.asarray(picture, dtype=int)).max() <= 4


def test_only_the_square_of_a_face_is_touched_and_its_edge_fades() -> None:
    picture = waves(600, 500)
    placed = cut_out(picture, placed_at(300, 250, 200))
    after = np.asarray(lay_back(picture, Placed(Image.new("RGB", (SIDE, SIDE), "white"), placed.matrix)))
    before = np.asarray(picture)
    outside = np.ones((500, 600), dtype=bool)
    outside[149:352, 199:402] = False
    assert np.array_equal(after[outside], before[outside])
    assert (after[220:280, 270:330] == 255).all()
    row = after[250, 200:230, 0].astype(int) - before[250, 200:230, 0]
    assert np.diff(row / np.maximum(255 - before[250, 200:230, 0], 1)).min() > -0.02


@pytest.mark.parametrize(("x", "y"), [(0, 0), (599, 0), (300, 499), (-400, -400)])
def test_a_face_may_hang_over_the_edge(x: float, y: float) -> None:
    picture = waves(600, 500)
    placed = cut_out(picture, placed_at(x, y, 200))
    assert lay_back(picture, placed).size == picture.size
