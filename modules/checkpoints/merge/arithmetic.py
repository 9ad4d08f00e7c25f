"""The arithmetic of a merge, on flat pieces: in float32, rounded once to the type that is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modules.foundation.errors import CheckpointError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PIECE = 4 * 1024 * 1024
"""Numbers that are worked on at a time: 16 MiB in float32."""


def weighted_sum(a: Tensor, b: Tensor, multiplier: float) -> Tensor:
    """a * (1 - multiplier) + b * multiplier, in float32 (float64 where one of them is)."""
    a, b = _widened(a, b)
    return a * (1 - multiplier) + b * multiplier


def add_difference(a: Tensor, b: Tensor, c: Tensor, multiplier: float) -> Tensor:
    """a + (b - c) * multiplier, in float32 (float64 where one of them is)."""
    a, b, c = _widened(a, b, c)
    return a + (b - c) * multiplier


def pieces_of(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Tensors of one size, side by side, as flat pieces of at most `PIECE` numbers."""
    flat = [tensor.reshape(-1) for tensor in tensors]
    for begin in range(0, flat[0].numel(), PIECE):
        yield tuple(tensor[begin : begin + PIECE] for tensor in flat)


def stored_as(piece: Tensor, dtype: torch.dtype, key: str) -> Tensor:
    """`piece` in the type in which it is stored. Raises CheckpointError when a number is too large for float16."""
    import torch

    stored = piece.to(dtype)
    if dtype == torch.float16 and piece.dtype != dtype and bool((stored.isinf() & piece.isfinite()).any()):
        raise CheckpointError(
            f"{key} has numbers beyond what float16 can hold ({float(piece.abs().max()):.3g}). "
            "Merge without saving as float16."
        )
    return stored


def _widened(*tensors: Tensor) -> tuple[Tensor, ...]:
    import torch

    wide = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
    return tuple(tensor.to(wide) for tensor in tensors)
