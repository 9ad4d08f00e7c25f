"""How much of a device's memory was used at most, and giving back what is not used any more."""

from __future__ import annotations

import gc

import torch


def start_peak(device: torch.device) -> None:
    """Begin counting the peak of device memory anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Most device memory used since `start_peak`; 0 on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def release(device: torch.device) -> None:
    """Give back what nobody refers to any more: cycles of Python's, cached blocks of the device's allocator."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
