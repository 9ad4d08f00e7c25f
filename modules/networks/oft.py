"""Orthogonal finetuning: OFT (Qiu et al. 2023) and BOFT, its butterfly form (Liu et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.networks.parts import Parts

NEEDS = (frozenset({"oft_blocks"}), frozenset({"oft_diag"}))


def delta(weight: Tensor, parts: Parts, rank: int | None = None) -> Tensor:
    """dW = R W - W, R being orthogonal and made of blocks.

    The blocks are [k, n, n] on the diagonal of R (OFT) or [m, k, n, n] for R as a product of m butterfly factors
    (BOFT). `rescale` [out, 1, ...] multiplies the rows afterwards.
    """
    blocks = parts["oft_blocks"] if "oft_blocks" in parts else parts["oft_diag"]
    # Kohya's scripts and LyCORIS keep in alpha how far a rotation may go, for each row of the weight; 0 is no limit.
    limit = float(parts["alpha"]) * weight.shape[0] if "alpha" in parts and "oft_blocks" in parts else 0.0
    rotation = cayley(blocks, limit or None)
    rotated = butterfly(rotation, weight) if blocks.ndim == 4 else block_diagonal(rotation, weight)
    if "rescale" in parts:
        rotated = rotated * parts["rescale"].reshape(-1, *[1] * (weight.ndim - 1))
    return rotated - weight


def cayley(blocks: Tensor, limit: float | None = None) -> Tensor:
    """R = (I + Q)(I - Q)^-1 with Q = (B - B^T), the Cayley transform (OFT, section 3.2) of blocks B [..., n, n].

    `limit` bounds the Frobenius norm of all Q together, as constrained OFT does (COFT, section 3.3).
    """
    skew = blocks - blocks.mT
    if limit is not None:
        norm = skew.norm()
        skew = skew * ((norm.clamp(max=limit) + 1e-8) / (norm + 1e-8))
    identity = torch.eye(skew.shape[-1], dtype=skew.dtype, device=skew.device)
    return torch.linalg.solve(identity - skew, identity + skew, left=False)


def block_diagonal(rotation: Tensor, weight: Tensor) -> Tensor:
    """Each block of rows of W [k n, ...] turned by its own transposed block of R [k, n, n]."""
    count, size, _ = rotation.shape
    rows = weight.reshape(count, size, -1)
    return torch.einsum("knm,knx->kmx", rotation, rows).reshape(weight.shape)


def butterfly(rotation: Tensor, weight: Tensor) -> Tensor:
    """W [out, ...] turned by m butterfly factors [m, k, n, n] (BOFT, section 4): factor i mixes rows 2^i n/2 apart."""
    size = rotation.shape[-1]
    rows = weight.reshape(weight.shape[0], -1)
    for index, factor in enumerate(rotation):
        apart = 2**index * (size // 2)
        rows = rows.reshape(-1, 2, apart, rows.shape[-1]).transpose(1, 2).reshape(-1, size, rows.shape[-1])
        rows = torch.einsum("kij,kjx->kix", factor, rows)
        rows = rows.reshape(-1, apart, 2, rows.shape[-1]).transpose(1, 2).reshape(weight.shape[0], -1)
    return rows.reshape(weight.shape)
