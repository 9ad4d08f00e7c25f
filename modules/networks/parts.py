"""What the files of all kinds of networks have in common: named tensors for one layer, and their scale."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Parts = Mapping[str, Tensor]
"""The tensors of one layer, under the names of `modules.networks.keys.TAILS`."""


def scale(parts: Parts, rank: int | None) -> float:
    """alpha / rank, as LoRA (Hu et al. 2021, section 4.1) scales its update; 1 where the file gives no alpha."""
    if "scale" in parts:
        return float(parts["scale"])
    if "alpha" in parts and rank:
        return float(parts["alpha"]) / rank
    return 1.0


def product(left: Tensor, right: Tensor) -> Tensor:
    """The matrix product of two factors; those of convolutions are taken as matrices [first axis, all others]."""
    return left.flatten(1) @ right.flatten(1)


def from_core(core: Tensor, out_factor: Tensor, in_factor: Tensor) -> Tensor:
    """A convolution [o, i, kh, kw] in Tucker form: core [r, s, kh, kw], factors [r, o] and [s, i]."""
    return torch.einsum("rskl,ro,si->oikl", core, out_factor.flatten(1), in_factor.flatten(1)).contiguous()
