"""GLoRA: One-for-All, Generalized LoRA (Chavan et al. 2023)."""

from __future__ import annotations

from torch import Tensor

from modules.networks.parts import Parts, product

NEEDS = (frozenset({"a1", "a2", "b1", "b2"}),)


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW = W0 A + B (equation 4) with low-rank A = a2 a1 and B = b2 b1; a1, b1 [r, in], a2 [in, r], b2 [out, r].

    A1111 does not scale it by alpha, unlike its trainer; pictures made there come out the same only so.
    """
    seen = (weight.flatten(1) @ parts["a2"].flatten(1)) @ parts["a1"].flatten(1)
    return seen + product(parts["b2"], parts["b1"])
