"""DoRA: Weight-Decomposed Low-Rank Adaptation (Liu et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor


def decompose(weight: Tensor, delta: Tensor, magnitude: Tensor) -> Tensor:
    """The whole change of W0: m (W0 + dW) / ||W0 + dW||_c - W0 (equation 5).

    `magnitude` m is [1, in, ...] with one norm for each input (the paper's columns), or [out, 1, ...] or [out] with one
    for each output, as other programs train it.
    """
    merged = weight + delta
    axis = 1 if magnitude.ndim > 1 and magnitude.shape[0] == 1 and weight.shape[0] != 1 else 0
    others = [other for other in range(merged.ndim) if other != axis]
    shape = [1] * merged.ndim
    shape[axis] = -1
    norm = torch.linalg.vector_norm(merged, dim=others, keepdim=True)
    return merged * (magnitude.reshape(shape) / norm) - weight
