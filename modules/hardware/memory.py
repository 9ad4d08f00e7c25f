"""How much memory there is, is used, and was used at most."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import psutil
import torch


@dataclass(frozen=True, kw_only=True)
class MemoryReading:
    """Bytes of the host and, where there is one, the device."""

    host_total: int
    host_free: int
    process: int
    device_total: int = 0
    device_free: int = 0
    device_peak: int = 0


def read_memory(device: torch.device) -> MemoryReading:
    """The memory of the host and of `device` now."""
    host = psutil.virtual_memory()
    own = psutil.Process().memory_info().rss
    if device.type != "cuda":
        return MemoryReading(host_total=host.total, host_free=host.available, process=own)
    free, total = torch.cuda.mem_get_info(device)
    return MemoryReading(
        host_total=host.total,
        host_free=host.available,
        process=own,
        device_total=total,
        device_free=free,
        device_peak=torch.cuda.max_memory_allocated(device),
    )


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
