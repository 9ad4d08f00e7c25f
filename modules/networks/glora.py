"""GLoRA: One-for-All, Generalized LoRA (Chavan et al. 2023)."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.networks.parts import Parts, from_core, product, scale

NEEDS = (frozenset({"a1", "a2", "b1", "b2"}),)


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW = W0 A + B (equation 4) with low-rank A and B.

    Files come in two forms. In the older one A = a2 a1 and B = b2 b1; a1, b1 [r, in], a2 [in, r], b2 [out, r]. A1111
    does not scale these by alpha, unlike their trainer; pictures made there come out the same only so. In the newer one
    the numbers are exchanged, convolutions keep their kernel in b2 [r, in, kh, kw], or have it in a core `bm`
    [r, r, kh, kw] between both, and alpha / r scales the sum.
    """
    if _is_newer(weight, parts):
        seen = torch.einsum("oi...,ir,rj->oj...", weight, parts["a1"].flatten(1), parts["a2"].flatten(1))
        return (seen + _newer_b(weight, parts)) * scale(parts, parts["b2"].shape[0])
    seen = (weight.flatten(1) @ parts["a2"].flatten(1)) @ parts["a1"].flatten(1)
    return seen + product(parts["b2"], parts["b1"])


def _is_newer(weight: Tensor, parts: Parts) -> bool:
    """Told by which of both factors of B has the outputs."""
    return parts["b1"].shape[0] == weight.shape[0] and parts["b2"].shape[0] == parts["b1"].shape[1]


def _newer_b(weight: Tensor, parts: Parts) -> Tensor:
    if "bm" in parts:
        return from_core(parts["bm"], parts["b1"].flatten(1).T, parts["b2"])
    return product(parts["b1"], parts["b2"]).reshape(weight.shape)
