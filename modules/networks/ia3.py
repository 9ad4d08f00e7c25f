"""(IA)^3: Infused Adapter by Inhibiting and Amplifying Inner Activations (Liu et al. 2022)."""

from __future__ import annotations

from torch import Tensor

from modules.networks.parts import Parts

NEEDS = (frozenset({"weight", "on_input"}),)


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """What rescaling a layer's activations by 1 + l (section 3.3) is as a change of its weight: dW = l o W.

    `on_input` says whether l [in] rescales what goes in, or l [out] what comes out.
    """
    axis = 1 if bool(parts["on_input"]) else 0
    shape = [1] * weight.ndim
    shape[axis] = -1
    return weight * parts["weight"].reshape(shape)
