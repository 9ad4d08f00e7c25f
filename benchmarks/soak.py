"""A recurring job over thousands of pictures: whether memory and open files stay what they were."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.report import table
from benchmarks.server import PATIENCE, serving

REQUEST = {"prompt": "a red circle on a blue background", "steps": 1, "width": 64, "height": 64, "seeds": "random"}
SAMPLES = 40
"""Readings of the memory over the whole run."""


def measure(pictures: int = 2000, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Make `pictures` pictures by "generate forever". The first fifth, 200 at most, is warm-up."""
    warm_up = min(pictures // 5, 200)
    every = max((pictures - warm_up) // SAMPLES, 1)
    readings: list[tuple[int, float, int, int]] = []
    with tempfile.TemporaryDirectory(prefix="easel-soak-") as folder, serving(Path(folder) / "data") as server:
        process = psutil.Process(server.process.pid)
        body = {**REQUEST, "pictures": pictures}
        standing = server.client.post("/api/v1/standing/txt2img", json=body).raise_for_status().json()["id"]
        began, last, moved = time.perf_counter(), -1, time.monotonic()
        while True:
            now = server.client.get(f"/api/v1/standing/{standing}").json()
            made = now["made"]
            if made != last:
                last, moved = made, time.monotonic()
            if made >= warm_up and (not readings or made - readings[-1][0] >= every):
                readings.append((made, process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()))
                say(f"  {made} pictures: {readings[-1][1]:.1f} MB, {readings[-1][2]} files, {readings[-1][3]} threads")
            if now["state"] != "running":
                break
            assert time.monotonic() - moved < PATIENCE, server.log.read_text(errors="replace")[-3000:]
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        assert (now["state"], now["made"]) == ("done", pictures), now
        database = (Path(folder) / "data" / "easel.sqlite").stat().st_size
    return {
        "pictures": pictures,
        "seconds": round(seconds, 1),
        "megabytes_at_warm": round(readings[0][1], 1),
        "megabytes_at_end": round(readings[-1][1], 1),
        "megabytes_per_100_pictures": round(_slope([(made, memory) for made, memory, _, _ in readings]) * 100, 3),
        "files_at_warm": readings[0][2],
        "files_at_end": readings[-1][2],
        "threads_at_warm": readings[0][3],
        "threads_at_end": readings[-1][3],
        "database_megabytes": round(database / 1e6, 2),
        "readings": [(made, round(memory, 1)) for made, memory, _, _ in readings],
    }


def show(result: dict[str, Any]) -> str:
    """The numbers as a table."""
    return table(["", ""], [[key.replace("_", " "), str(value)] for key, value in result.items() if key != "readings"])


def _slope(points: list[tuple[int, float]]) -> float:
    """The slope of the straight line that fits best."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
