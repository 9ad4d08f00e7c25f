"""LoRA: Low-Rank Adaptation of Large Language Models (Hu et al. 2021), and LoCon, its form for convolutions."""

from __future__ import annotations

from torch import Tensor

from modules.networks.parts import Parts, from_core, product, scale

NEEDS = (frozenset({"up", "down"}),)


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW = alpha / r * B A (section 4.1), B = `up` [out, r], A = `down` [r, in, ...].

    With `mid` [r, r, kh, kw] a convolution is in Tucker form: a 1x1 convolution down, one of r channels, one up.
    `rank` keeps only that many of the r directions, the first ones; alpha still counts for all of them. A convolution
    in Tucker form always has all of its directions, as in A1111.
    """
    up, down, full = parts["up"].flatten(1), parts["down"], parts["down"].shape[0]
    change = from_core(parts["mid"], up.T, down) if "mid" in parts else product(up[:, :rank], down[:rank])
    return change * scale(parts, full)
