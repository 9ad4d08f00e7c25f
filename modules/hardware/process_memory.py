"""The most memory that this process has had, where the operating system tells: on Linux."""

from __future__ import annotations

from pathlib import Path

_PEAK_SINCE_RESET = "5"
"""What /proc/self/clear_refs takes to begin the peak again; see proc(5)."""


def start_process_peak() -> bool:
    """Begin to measure; whether that is possible here."""
    try:
        Path("/proc/self/clear_refs").write_text(_PEAK_SINCE_RESET, encoding="ascii")
    except OSError:
        return False
    return True


def process_peak_bytes() -> int:
    """The most main memory in use since `start_process_peak`; 0 where that is not told."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM" and (kilobytes := value.strip().partition(" ")[0]).isdecimal():
            return int(kilobytes) * 1024
    return 0
