"""LoHa: low-rank Hadamard products, from FedPara (Hyeon-Woo et al. 2022) by way of LyCORIS (Yeh et al. 2023)."""

from __future__ import annotations

from torch import Tensor

from modules.networks.parts import Parts, from_core, product, scale

NEEDS = (frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}),)


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW = alpha / r * (W1a W1b) o (W2a W2b) (LyCORIS, equation 3); o multiplies element by element.

    With `hada_t1` and `hada_t2` [r, r, kh, kw] both factors are convolutions in Tucker form, W1a [r, out], W1b [r, in].
    """
    return _factor(parts, 1) * _factor(parts, 2) * scale(parts, parts["hada_w1_b"].shape[0])


def _factor(parts: Parts, number: int) -> Tensor:
    left, right = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"]
    core = parts.get(f"hada_t{number}")
    return product(left, right) if core is None else from_core(core, left, right)
