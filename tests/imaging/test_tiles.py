from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.imaging.tiles import Grid, Span, blended_rows, fitted, from_strips

TABLES = Path(__file__).parents[1] / "parity/tables"
ROWS = json.loads((TABLES / "imageops.json").read_text(encoding="utf-8"))["split"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["combined"])
def test_even_tiles_lie_and_blend_as_recorded(row: dict[str, Any]) -> None:
    grid = Grid(
        width=row["width"],
        height=row["height"],
        tile_width=row["tile_w"],
        tile_height=row["tile_h"],
        overlap=row["overlap"],
    )
    assert [[y.start, y.length, [[x.start, x.length] for x in grid.columns]] for y in grid.rows] == row["tiles"]
    size = (row["tile_w"], row["tile_h"])
    colours = [(k * 70 % 256, (k * 40 + 30) % 256, (255 - k * 25) % 256) for k in range(row["tile_count"])]
    with Image.open(TABLES / "imageops" / row["combined"]) as wanted:
        ours = grid.combine([Image.new("RGB", size, colour) for colour in colours])
        assert np.array_equal(np.asarray(ours), np.asarray(wanted.convert("RGB")))


def test_tiles_put_together_again_are_the_picture() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (70, 150, 3), dtype=np.uint8)
    grid = Grid(width=150, height=70, tile_width=64, tile_height=64, overlap=32)
    whole = np.asarray(grid.combine(grid.split(Image.fromarray(pixels)))).astype(int)
    assert np.abs(whole - pixels).max() <= 1


@pytest.mark.parametrize("align", [1, 8, 24, 64])
@pytest.mark.parametrize("margin", [0, 5, 32, 1000])
@pytest.mark.parametrize("blend", [0, 8, 500])
@pytest.mark.parametrize(("length", "tile"), [(1, 16), (100, 16), (192, 192), (193, 192), (1000, 64), (777, 192)])
def test_the_weights_of_all_tiles_add_up_to_one_everywhere(
    length: int, tile: int, blend: int, margin: int, align: int
) -> None:
    axis = fitted(length, tile, margin=margin, blend=blend, align=align)
    total = np.zeros(length * 2)
    for index, span in enumerate(axis.spans):
        assert span.start % align == 0
        assert 0 < span.length <= max(tile, 2 * align)
        total[span.start * 2 : span.end * 2] += axis.weights(index, 2)
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_what_is_wrong_near_a_cut_is_thrown_away() -> None:
    axis = fitted(300, 64, margin=10, blend=4, align=1)
    for index, span in enumerate(axis.spans):
        weights = axis.weights(index)
        assert index == 0 or not weights[:10].any()
        assert span.end == 300 or not weights[-10:].any()


def test_strips_make_the_picture_and_hold_little_of_it() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (230, 170, 3), dtype=np.uint8)
    rows, columns = (fitted(length, 64, margin=6, blend=4, align=8) for length in (230, 170))

    def render(row: Span, column: Span) -> np.ndarray[Any, Any]:
        return pixels[row.start : row.end, column.start : column.end].repeat(2, axis=0).repeat(2, axis=1)

    strips = list(blended_rows(rows, columns, 2, 3, render))
    assert max(len(strip) for strip in strips) <= 128
    assert np.array_equal(from_strips(strips, 340, 460, 3), pixels.repeat(2, axis=0).repeat(2, axis=1))
