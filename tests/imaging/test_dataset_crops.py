"""Pictures cut for training."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.imaging.dataset_crops import (
    best_size,
    centred_crop,
    edge_interest,
    entropy_interest,
    face_interest,
    focal_crop,
    focus_of,
    marked,
    split_oversized,
)

SIDES = st.integers(20, 400)


def gradient(width: int, height: int) -> Image.Image:
    """Red tells the column, green the row."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8))


@given(SIDES, SIDES, st.integers(16, 128), st.integers(16, 128), st.floats(0, 0.9))
def test_parts_have_the_size_and_cover_the_picture(w: int, h: int, tw: int, th: int, overlap: float) -> None:
    parts = split_oversized(gradient(w, h), (tw, th), threshold=1.0, overlap=overlap)
    if len(parts) == 1 and parts[0].size == (w, h):
        assert w * th == h * tw
        return
    assert {part.size for part in parts} == {(tw, th)}
    lies = w * th > h * tw
    band = 0 if lies else 1
    first, last = np.asarray(parts[0])[..., band], np.asarray(parts[-1])[..., band]
    assert first.min() < 60
    assert last.max() > 195


def test_parts_of_a_long_picture_overlap_by_their_share() -> None:
    parts = split_oversized(gradient(640, 64), (64, 64), threshold=0.5, overlap=0.25)
    starts = [int(np.asarray(part)[0, 0, 0]) for part in parts]
    steps = np.diff(starts)
    assert len(parts) == 13
    assert all(step <= 255 * 48 / 640 + 2 for step in steps)
    assert split_oversized(gradient(100, 64), (64, 64), threshold=0.5, overlap=0.25)[0].size == (100, 64)


@given(st.integers(50, 3000), st.integers(50, 3000), st.floats(0, 1))
def test_the_best_size_lies_within_its_bounds(w: int, h: int, threshold: float) -> None:
    bounds = {"sides": (384, 768), "areas": (64 * 64, 640 * 640), "threshold": threshold}
    large = best_size((w, h), objective="Maximize area", **bounds)
    near = best_size((w, h), objective="Minimize error", **bounds)
    assert (large is None) == (near is None)
    for size in (large, near):
        if size is not None:
            assert all(384 <= side <= 768 and side % 64 == 0 for side in size)
            ratio = size[0] / size[1] / (w / h)
            assert 1 - min(ratio, 1 / ratio) <= threshold
    if large is not None and near is not None:
        assert large[0] * large[1] >= near[0] * near[1]


SIZES = st.tuples(st.integers(8, 128), st.integers(8, 128))


@given(SIDES, SIDES, SIZES, st.tuples(st.floats(-1, 2), st.floats(-1, 2)))
def test_a_crop_has_the_size_wherever_its_focus_is(
    w: int, h: int, size: tuple[int, int], focus: tuple[float, float]
) -> None:
    assert focal_crop(gradient(w, h), size, (focus[0] * w, focus[1] * h)).size == size
    assert centred_crop(gradient(w, h), size).size == size


def test_corners_and_colours_pull_the_crop_to_where_something_is() -> None:
    picture = Image.new("RGB", (400, 100), (90, 90, 90))
    noise = np.random.default_rng(1).integers(0, 255, (40, 40, 3), np.uint8)
    picture.paste(Image.fromarray(noise), (330, 30))
    for found in (edge_interest(picture, 0.5), entropy_interest(picture, (100, 100), 0.5)):
        (point,) = found
        assert abs(point.x - 350) < 60
        cut = focal_crop(picture, (100, 100), focus_of(found, picture.size))
        assert np.asarray(cut).std() > 20
    assert edge_interest(Image.new("RGB", (40, 40)), 0.5) == []
    assert edge_interest(picture, 0.0) == []


def test_faces_weigh_together_what_they_are_given() -> None:
    found = face_interest([(0, 0, 10, 10), (90, 0, 100, 10)], 0.9)
    assert sum(each.weight for each in found) == 0.9
    assert focus_of(found, (100, 10)) == (50, 5)
    assert face_interest([], 0.9) == []
    assert focus_of([], (100, 10)) == (50, 5)
    assert marked(Image.new("RGB", (100, 50)), found, (50, 5)).size == (100, 50)
