"""How much of a device's memory was used at most, and giving back what is not used any more."""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable

import psutil
import torch


def start_peak(device: torch.device) -> None:
    """Begin counting the peak of device memory again."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Most device memory used since `start_peak`; 0 on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def release(device: torch.device) -> None:
    """Free unreferenced memory: Python's reference cycles, and what allocators cache."""
    gc.collect()
    give_back(device)


def give_back(device: torch.device) -> None:
    """Give back what allocators keep of memory that is not used any more; cycles are not looked for, which is slow."""
    _trim_heap()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _trim_heap() -> None:
    """Have the C library give pages between what is still used back to the operating system.

    glibc only does so at the heap's end by itself; models that come and go would leave holes that are never filled.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """glibc's malloc_trim, None where the C library is another one."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def free_bytes(device: torch.device) -> int:
    """Memory of a device, or of the host for the CPU, that could be taken now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return psutil.virtual_memory().available


def total_bytes(device: torch.device) -> int:
    """Memory that a device has, or the host for the CPU."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return psutil.virtual_memory().total
