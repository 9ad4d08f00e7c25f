"""Doorway: `modules.rng`, noise by seeds."""

from __future__ import annotations

from modules.a1111.devices import manual_seed, randn, randn_like, randn_local, randn_without_seed
from modules.a1111.noise import ImageRNG, create_generator, slerp

__all__ = [
    "ImageRNG",
    "create_generator",
    "manual_seed",
    "randn",
    "randn_like",
    "randn_local",
    "randn_without_seed",
    "slerp",
]
