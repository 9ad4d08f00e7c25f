"""LoKr: Kronecker products, from KronA (Edalati et al. 2022) by way of LyCORIS (Yeh et al. 2023)."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.networks.parts import Parts, from_core, product, scale

NEEDS = (
    frozenset({"lokr_w1", "lokr_w2"}),
    frozenset({"lokr_w1", "lokr_w2_a", "lokr_w2_b"}),
    frozenset({"lokr_w1_a", "lokr_w1_b", "lokr_w2"}),
    frozenset({"lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b"}),
)


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW = alpha / r * W1 (x) W2 (LyCORIS, equation 5), where each factor is whole or a product of two.

    A factor of a convolution with `lokr_t2` [r, r, kh, kw] is in Tucker form. Where both are whole there is no rank,
    and alpha means nothing.
    """
    left, right = _factor(parts, 1), _factor(parts, 2)
    if right.ndim > left.ndim:
        left = left.reshape(*left.shape, *[1] * (right.ndim - left.ndim))
    ranks = [parts[name].shape[0] for name in ("lokr_w1_b", "lokr_w2_b") if name in parts]
    return torch.kron(left, right) * scale(parts, ranks[0] if ranks else None)


def _factor(parts: Parts, number: int) -> Tensor:
    name = f"lokr_w{number}"
    if name in parts:
        return parts[name]
    left, right = parts[f"{name}_a"], parts[f"{name}_b"]
    core = parts.get(f"lokr_t{number}")
    if core is not None:
        return from_core(core, left, right)
    # A factored convolution keeps its kernel in the second factor.
    return product(left, right).reshape(left.shape[0], *right.shape[1:])
