"""Chance in training: every draw has a generator of its own, which follows from the seed and from what it is for.

Nothing therefore depends on what was drawn before, and a training that is gone on with draws what it would have drawn.
"""

from __future__ import annotations

import hashlib
import random

import torch


def draw_seed(seed: int, *purpose: int | str) -> int:
    """A number below 2^63 that follows from the seed and the purpose, different for each."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: int | str) -> torch.Generator:
    """torch's generator for a purpose, on the CPU, so that draws are the same on every device."""
    return torch.Generator().manual_seed(draw_seed(seed, *purpose))


def chance(seed: int, *purpose: int | str) -> random.Random:
    """Python's generator for a purpose."""
    return random.Random(draw_seed(seed, *purpose))
