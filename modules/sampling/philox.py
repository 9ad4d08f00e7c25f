"""The normal numbers that CUDA's torch.randn yields, computed with numpy on the CPU.

Philox 4x32-10 counter-based generator: Salmon, Moraes, Dror, Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3".
Element i of call number n is made from the counter (n, 0, i, 0) under the key `seed`, and the first of the two normals
of a Box-Muller pair is used. So a seed gives the same picture on a machine without CUDA.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)

_Words = NDArray[np.uint64]


def philox4x32(counter: tuple[_Words, _Words, _Words, _Words], key: tuple[int, int]) -> tuple[_Words, _Words]:
    """The first two of the four 32-bit output words for each counter (words held in uint64)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (product1 >> _HIGH) ^ c1 ^ np.uint64(k0),
            product1 & _LOW,
            (product0 >> _HIGH) ^ c3 ^ np.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1


def box_muller(x: _Words, y: _Words) -> NDArray[np.float32]:
    """One standard normal from each pair of uniform 32-bit words (Box and Muller 1958)."""
    scale = float(np.float32(2.0**-32))
    u = x * scale + scale / 2
    v = y * (scale * float(np.float32(2 * math.pi))) + scale * float(np.float32(2 * math.pi)) / 2
    return (np.sqrt(-2.0 * np.log(u)) * np.sin(v)).astype(np.float32)


class PhiloxGenerator:
    """A stream of normal tensors for one seed; `offset` counts the calls, as CUDA's generator does."""

    def __init__(self, seed: int) -> None:
        self.seed = seed & 0xFFFFFFFFFFFFFFFF
        self.offset = 0

    def randn(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """The next array of standard normals, float32 of `shape`."""
        count = math.prod(shape)
        index = np.arange(count, dtype=np.uint64)
        zeros = np.zeros(count, dtype=np.uint64)
        call = np.full(count, self.offset & 0xFFFFFFFF, dtype=np.uint64)
        self.offset += 1
        words = philox4x32((call, zeros, index, zeros), (self.seed & 0xFFFFFFFF, self.seed >> 32))
        return box_muller(*words).reshape(tuple(shape))
