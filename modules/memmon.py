"""Doorway: `modules.memmon`, the device's memory."""

from __future__ import annotations

from modules.a1111.shared_names import MemoryMonitor as MemUsageMonitor

__all__ = ["MemUsageMonitor"]
