"""Grids and resizing, against the recorded tables and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from modules.imaging.grid import grid_shape, image_grid
from modules.imaging.resize import ResizeMode, enlarge, flatten, resize

TABLES = Path(__file__).parents[1] / "parity/tables"
ROWS = json.loads((TABLES / "imageops.json").read_text(encoding="utf-8"))
UPSCALERS = {
    "None": None,
    "Lanczos": enlarge,
    "Nearest": lambda image, factor: enlarge(image, factor, nearest=True),
}


def picture(name: str) -> Image.Image:
    with Image.open(TABLES / "imageops" / name) as image:
        image.load()
        return image


def largest_difference(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    levels = [np.asarray(image.convert("RGB"), dtype=int) for image in (one, other)]
    return int(np.abs(levels[0] - levels[1]).max())


def test_grids_have_the_recorded_shapes() -> None:
    assert len(ROWS["grid"]) == 96
    for row in ROWS["grid"]:
        shape = grid_shape(
            row["count"],
            rows=row["n_rows"],
            batch_size=row["batch_size"],
            prevent_empty_spots=row["grid_prevent_empty_spots"],
        )
        assert shape == (row["cols"], row["rows"]), row


def test_pictures_of_different_sizes_lie_in_the_middle_of_their_cells() -> None:
    (row,) = ROWS["grid_mixed"]
    images = [picture(name) for name in row["sources"]]
    columns, rows = grid_shape(len(images))
    assert largest_difference(image_grid(images, columns=columns, rows=rows), picture(row["result"])) == 0


def test_empty_places_of_a_grid_have_the_background_colour() -> None:
    grid = image_grid([Image.new("RGB", (4, 4))] * 3, columns=2, rows=2, background="#102030")
    assert grid.getpixel((6, 6)) == (0x10, 0x20, 0x30)


@pytest.mark.parametrize("row", ROWS["resize"], ids=lambda row: row["result"])
def test_a_picture_is_resized_as_recorded(row: dict[str, Any]) -> None:
    source = picture(row["source"])
    result = resize(source, row["width"], row["height"], ResizeMode(row["mode"]), UPSCALERS[row["upscaler"]])
    assert largest_difference(result, picture(row["result"])) <= 1


@given(
    source=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    target=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    mode=st.sampled_from(ResizeMode),
    grey=st.booleans(),
)
@example(source=(102, 77), target=(96, 72), mode=ResizeMode.FILL, grey=True)
@example(source=(4, 5), target=(6, 7), mode=ResizeMode.FILL, grey=False)
def test_any_picture_comes_to_any_size_and_leaves_nothing_of_it_empty(
    source: tuple[int, int], target: tuple[int, int], mode: ResizeMode, grey: bool
) -> None:
    image = Image.new("L" if grey else "RGB", source, "#ffffff")
    result = resize(image, *target, mode)
    assert result.size == target
    assert np.asarray(result).min() == 255


def test_extreme_proportions_still_give_the_wanted_size() -> None:
    thin = Image.new("RGB", (1, 300))
    for mode in ResizeMode:
        assert resize(thin, 64, 8, mode).size == (64, 8)


@pytest.mark.parametrize("row", ROWS["flatten"], ids=lambda row: row["color"])
def test_transparency_is_laid_on_a_colour_as_recorded(row: dict[str, Any]) -> None:
    assert largest_difference(flatten(picture(row["source"]), row["color"]), picture(row["result"])) <= 1
