"""Many clients at once: how soon progress is answered while a job runs, and what the clients cost the sampler.

Quiet and busy phases take turns while one long job is sampled, and each busy phase is compared with the quiet ones
before and after it, so that other programs on the machine slow both. The clients have the lowest priority: those of a
real server are on other machines, or are pages that do nothing between two questions, and take no core from it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bare import bare_server
from benchmarks.clients import Crowd
from benchmarks.report import table
from benchmarks.server import Server, serving

LONG_JOB = {"prompt": "a red circle on a blue background", "steps": 10_000, "width": 512, "height": 512, "seed": 1}
PHASE = 4.0
"""Seconds of a quiet or busy phase."""


def measure(
    seconds: float = 60, clients: int = 200, submitters: int = 20, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Load a server for `seconds` of busy phases. Each client asks once a second, as A1111's page does.

    Phases of a third kind have the same clients ask a bare server in another process: that is what the clients and the
    network cost the sampler, independent of the server.
    """
    count = max(round(seconds / PHASE), 1)
    with (
        tempfile.TemporaryDirectory(prefix="easel-load-") as folder,
        serving(Path(folder) / "data") as server,
        bare_server() as bare,
        ThreadPoolExecutor(1, initializer=_give_way) as behind,
    ):
        job = server.client.post("/api/v1/jobs/txt2img", json=LONG_JOB).json()["id"]
        while _step(server, job) < 5:
            time.sleep(0.1)
        crowd, control = (Crowd(port, job, clients, submitters) for port in (server.port, bare))

        def poll(these: Crowd) -> Callable[[], object]:
            return lambda: behind.submit(these.ask_for, PHASE).result()

        serving_seconds = client_seconds = 0.0
        quiet, busy, answered_elsewhere = [_speed_during(server, job, lambda: time.sleep(PHASE))], [], []
        for number in range(count):
            before, own = _serving_thread(server), time.process_time()
            busy.append(_speed_during(server, job, poll(crowd)))
            client_seconds += time.process_time() - own
            serving_seconds += _serving_thread(server) - before
            quiet.append(_speed_during(server, job, lambda: time.sleep(PHASE)))
            answered_elsewhere.append(_speed_during(server, job, poll(control)))
            quiet.append(_speed_during(server, job, lambda: time.sleep(PHASE)))
            say(
                f"  round {number + 1}: {busy[-1]:.2f} steps/s busy, {answered_elsewhere[-1]:.2f} answered elsewhere, "
                f"{quiet[-3]:.2f} / {quiet[-2]:.2f} / {quiet[-1]:.2f} quiet"
            )
        for each in (crowd, control):
            each.close()
        server.client.post("/api/v1/queue/pause")
        server.client.post(f"/api/v1/jobs/{job}/cancel")
    errors = crowd.progress.errors + crowd.submitted.errors
    around = [(before + after) / 2 for before, after in pairwise(quiet)]
    return {
        "clients": clients,
        "submitters": submitters,
        "busy_seconds": count * PHASE,
        "answers_to_progress": len(crowd.progress.seconds),
        "jobs_submitted": len(crowd.submitted.seconds),
        "errors": len(errors),
        "first_errors": errors[:3],
        "progress_ms": _percentiles(crowd.progress.seconds),
        "submit_ms": _percentiles(crowd.submitted.seconds),
        "serving_thread_percent_of_a_core": round(serving_seconds / (count * PHASE) * 100, 1),
        "clients_percent_of_a_core": round(client_seconds / (count * PHASE) * 100, 1),
        "sampling_slower_percent": _slower(around[0::2], busy),
        "slower_when_answered_elsewhere_percent": _slower(around[1::2], answered_elsewhere),
        "quiet_phases_differ_by_percent": round(
            statistics.median(abs(after / before - 1) * 100 for before, after in pairwise(quiet)), 1
        ),
    }


def show(result: dict[str, Any]) -> str:
    """The numbers as a table."""
    return table(["", ""], [[key.replace("_", " "), str(value)] for key, value in result.items()])


def _step(server: Server, job: str) -> int:
    progress = server.client.get(f"/api/v1/jobs/{job}").json()["progress"]
    return int(progress["step"]) if progress else 0


def _give_way() -> None:
    """Let everything else go before this thread."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def _serving_thread(server: Server) -> float:
    """Processor seconds of the thread that answers, the process's first."""
    threads = {thread.id: thread for thread in psutil.Process(server.process.pid).threads()}
    first = threads[server.process.pid]
    return first.user_time + first.system_time


def _speed_during(server: Server, job: str, phase: Callable[[], object]) -> float:
    """Steps a second while `phase()` lasts, from the end of a step to the end of another."""
    first, began = _next_step(server, job)
    phase()
    last, ended = _next_step(server, job)
    return (last - first) / (ended - began)


def _next_step(server: Server, job: str) -> tuple[int, float]:
    """The number of the next step that ends, and when it did."""
    before = _step(server, job)
    while (step := _step(server, job)) == before:
        time.sleep(0.005)
    return step, time.perf_counter()


def _slower(unloaded: Sequence[float], loaded: Sequence[float]) -> dict[str, float]:
    """By how many percent more a step took."""
    percent = [(before / after - 1) * 100 for before, after in zip(unloaded, loaded, strict=True)]
    values = {"least": min(percent), "median": statistics.median(percent), "mean": statistics.fmean(percent)}
    return {name: round(value, 1) for name, value in {**values, "greatest": max(percent)}.items()}


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    places = {"median": 0.5, "p99": 0.99, "greatest": 1.0}
    return {
        name: round(ordered[min(int(place * len(ordered)), len(ordered) - 1)] * 1000, 1)
        for name, place in places.items()
    }
