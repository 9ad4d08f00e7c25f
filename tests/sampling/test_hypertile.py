from __future__ import annotations

import random

import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.sampling.hypertile import join_tiles, least_side, split_tiles, tile_grid, tile_sides

SIDES = st.integers(1, 96)


@given(SIDES, SIDES, st.integers(0, 120), st.integers(0, 8), st.integers(0, 2**32))
def test_a_grid_is_cut_without_remainder_and_put_together_again(
    height: int, width: int, least: int, choices: int, seed: int
) -> None:
    rows, columns = grid = tile_grid(height, width, least, choices, random.Random(seed))
    assert (height % rows, width % columns) == (0, 0)
    assert height // rows >= min(max(least, 1), height)
    tokens = torch.arange(2 * height * width * 3).view(2, height * width, 3)
    tiles = split_tiles(tokens, height, width, grid)
    assert tiles.shape == (2 * rows * columns, height * width // (rows * columns), 3)
    assert torch.equal(join_tiles(tiles, height, width, grid), tokens)


def test_a_tile_holds_neighbours() -> None:
    tokens = torch.arange(16).view(1, 16, 1)
    assert split_tiles(tokens, 4, 4, (2, 2))[:, :, 0].tolist() == [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9, 12, 13],
        [10, 11, 14, 15],
    ]


@given(SIDES, st.integers(0, 120), st.integers(0, 8))
def test_the_shortest_sides_are_drawn_from_and_there_is_always_one(length: int, least: int, choices: int) -> None:
    sides = tile_sides(length, least, choices)
    assert 1 <= len(sides) <= max(choices, 1)
    assert all(length % side == 0 for side in sides)


def test_tiles_divide_pictures_evenly() -> None:
    assert least_side(256, (1024, 1024), 8) == 32
    assert least_side(256, (1152, 896), 8) == 16
    assert least_side(256, (1000, 1000), 8) == 32
    assert least_side(0, (1024, 1024), 8) == 1
