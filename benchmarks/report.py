"""Numbers with their spread, the machine they were taken on, tables and JSON."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIBRARIES = ("torch", "diffusers", "transformers", "gradio")
CPU_FLAGS = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512f", "avx2", "asimd", "sve")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Least, median and greatest of some measurements."""

    least: float
    median: float
    greatest: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(least=min(values), median=statistics.median(values), greatest=max(values), count=len(values))

    def show(self, digits: int = 3, unit: str = "", factor: float = 1.0) -> str:
        """As "least / median / greatest unit"."""
        numbers = (f"{value * factor:.{digits}f}" for value in (self.least, self.median, self.greatest))
        return " / ".join(numbers) + (f" {unit}" if unit else "")

    def as_dict(self) -> dict[str, float]:
        """The fields as plain values for JSON."""
        return {"min": self.least, "median": self.median, "max": self.greatest, "count": self.count}


def machine() -> dict[str, Any]:
    """What measurements depend on: processor and its instruction sets, memory, threads, versions, load by others."""
    import psutil

    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": platform.python_version(),
        "processor": _processor(),
        "cpu_flags": [flag for flag in CPU_FLAGS if flag in _cpu_flags()],
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": versions,
        "when": time.strftime("%Y-%m-%d"),
    }


def _cpu_field(*names: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.split("\t")[0].strip() in names), "")


def _cpu_flags() -> set[str]:
    return set(_cpu_field("flags", "Features").split())


def _processor() -> str:
    return _cpu_field("model name") or platform.processor() or platform.machine()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    top = "| " + " | ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)) + " |"
    return "\n".join([top, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines])


def write_json(folder: Path, name: str, result: Mapping[str, Any]) -> Path:
    """Write `result` to `folder`/NAME-DATE-TIME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path
