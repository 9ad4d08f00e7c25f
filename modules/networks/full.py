"""Whole differences: layers that were trained without any factorisation, normalisation layers among them."""

from __future__ import annotations

from torch import Tensor

from modules.networks.parts import Parts

NEEDS = (frozenset({"diff"}), frozenset({"w_norm"}))


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW as it is in the file: `diff`, or `w_norm` for the gain of a normalisation layer."""
    return parts["diff"] if "diff" in parts else parts["w_norm"]
