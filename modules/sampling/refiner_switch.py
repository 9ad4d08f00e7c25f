"""Switching to another network in the middle of sampling, as for SDXL's refiner.

Podell et al. 2023, "SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis", section 2.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modules.sampling.network import ConditionedNetwork


class RefinerSwitch(Protocol):
    """Asked before every evaluation, counted from 0, until it answers with the network that goes on from there."""

    def __call__(self, *, call: int, total_calls: int, level: float) -> ConditionedNetwork | None: ...
