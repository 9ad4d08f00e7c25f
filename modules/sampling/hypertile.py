"""HyperTile (tfernd 2023, github.com/tfernd/HyperTile): self-attention within tiles of the picture.

Attention over n tokens costs n squared; within k tiles of it, n squared by k. Which tiles change from call to call, so
that their borders do not show.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from torch import Tensor


def tile_sides(length: int, least: int, choices: int) -> Sequence[int]:
    """The sides that tiles of `length` tokens may have: the `choices` shortest divisors of it that are >= `least`.

    >>> list(tile_sides(96, 32, 3)), list(tile_sides(96, 200, 3)), list(tile_sides(7, 2, 3))
    ([32, 48, 96], [96], [7])
    """
    least = min(max(least, 1), length)
    divisors = [side for side in range(least, length + 1) if length % side == 0]
    return divisors[: max(choices, 1)]


def tile_grid(height: int, width: int, least: int, choices: int, chance: random.Random) -> tuple[int, int]:
    """Into how many rows and columns of tiles a grid of tokens is cut this time; sides are at least `least` tokens."""
    rows, columns = (length // chance.choice(tile_sides(length, least, choices)) for length in (height, width))
    return rows, columns


def split_tiles(x: Tensor, height: int, width: int, grid: tuple[int, int]) -> Tensor:
    """Tokens [B, height * width, C] -> [B * rows * columns, tokens of a tile, C]."""
    rows, columns = grid
    batch, _, channels = x.shape
    x = x.view(batch, rows, height // rows, columns, width // columns, channels)
    return x.transpose(2, 3).reshape(batch * rows * columns, -1, channels)


def join_tiles(x: Tensor, height: int, width: int, grid: tuple[int, int]) -> Tensor:
    """The other way: [B * rows * columns, tokens of a tile, C] -> [B, height * width, C]."""
    rows, columns = grid
    channels = x.shape[-1]
    x = x.view(-1, rows, columns, height // rows, width // columns, channels)
    return x.transpose(2, 3).reshape(-1, height * width, channels)


def least_side(pixels: int, size: tuple[int, int], cell: int) -> int:
    """The least side of a tile in latent cells, of `cell` pixels each, for a picture of `size` pixels.

    Such that the picture can be cut evenly: at most the greatest power of two that divides both its sides.
    """
    even = min(side & -side for side in size)
    return max(min(pixels, even) if even >= 8 * cell else pixels, cell) // cell
