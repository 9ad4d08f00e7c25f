"""Where a tensor of a file ends up: on the device, in its number type, in the layout that convolutions are fast in."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.checkpoints.tensors import TensorSource
from modules.hardware.device import Hardware

CHUNK = 1 << 18
"""Numbers converted at once by way of float32: what fits into a core's second-level cache."""


def place(source: TensorSource, key: str, dtype: torch.dtype, hardware: Hardware) -> Tensor:
    """A tensor of `source` on the device, in `dtype` (integers stay) and, for convolutions, in the device's layout.

    It is read, converted and moved once and never lies in memory twice: what only passes through is read into memory
    that the next one uses again.
    """
    stored, shape = source.dtype(key), source.shapes[key]
    wanted = dtype if stored.is_floating_point else stored
    # A 1x1 convolution is the same in both layouts.
    convolves = len(shape) == 4 and tuple(shape[2:]) != (1, 1)
    layout = hardware.memory_format if convolves else torch.contiguous_format
    if not hardware.is_cpu and not hardware.offload:
        return source.borrow(key).to(hardware.device).to(wanted).contiguous(memory_format=layout)
    if stored == wanted and layout == torch.contiguous_format:
        return source.read(key)
    result = torch.empty(shape, dtype=wanted, memory_format=layout)
    _convert(source.borrow(key), result)
    return result


def _convert(tensor: Tensor, result: Tensor) -> None:
    """Write `tensor` into `result`, which has its shape but may have another type and layout.

    torch converts float16 to bfloat16 number by number. By way of float32, which holds both exactly, it has the
    processor's instructions for both halves of the way.
    """
    if not tensor.ndim or not tensor.numel() or (tensor.dtype, result.dtype) != (torch.float16, torch.bfloat16):
        result.copy_(tensor)
        return
    rows = max(CHUNK // max(tensor[0].numel(), 1), 1)
    single = torch.empty(min(rows, len(tensor)), *tensor.shape[1:], dtype=torch.float32)
    # Rearranging is cheaper for the narrower type.
    narrow = torch.empty_like(single, dtype=result.dtype) if not result.is_contiguous() else None
    for start in range(0, len(tensor), rows):
        part, target = tensor[start : start + rows], result[start : start + rows]
        wide = single[: len(part)].copy_(part)
        target.copy_(wide if narrow is None else narrow[: len(part)].copy_(wide))
