"""Many clients at once: how soon progress is answered while a job runs, and what the clients cost the sampler.

Quiet and busy phases take turns while one long job is sampled, so that other programs on the machine slow both.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.report import table
from benchmarks.server import Server, serving

LONG_JOB = {"prompt": "a red circle on a blue background", "steps": 10_000, "width": 512, "height": 512, "seed": 1}
SMALL_JOB = {"prompt": "a green square", "steps": 1, "width": 64, "height": 64, "save_images": False, "priority": -1}
PHASE = 10.0
"""Seconds of a quiet or busy phase."""


@dataclass
class Answers:
    """What the clients saw."""

    progress: list[float] = field(default_factory=list)
    submitted: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Connection:
    """A client of HTTP/1.1 that costs next to nothing itself."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Status and content of the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n", maxsplit=1)[0])
        return int(head.split(maxsplit=2)[1]), await self._reader.readexactly(length)


def measure(
    seconds: float = 60, clients: int = 200, submitters: int = 20, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Load a server for `seconds` of busy phases. Each client asks once a second, as A1111's page does."""
    with tempfile.TemporaryDirectory(prefix="easel-load-") as folder, serving(Path(folder) / "data") as server:
        job = server.client.post("/api/v1/jobs/txt2img", json=LONG_JOB).json()["id"]
        while _step(server, job) < 5:
            time.sleep(0.1)
        answers, ratios, serving_seconds = Answers(), [], 0.0
        for number in range(max(round(seconds / PHASE), 1)):
            quiet = _speed_during(server, job, lambda: time.sleep(PHASE))
            before = _serving_thread(server)
            busy = _speed_during(server, job, lambda: asyncio.run(_busy(server, job, clients, submitters, answers)))
            ratios.append(quiet / busy)
            serving_seconds += _serving_thread(server) - before
            say(f"  phase {number + 1}: {quiet:.2f} steps/s quiet, {busy:.2f} busy")
        server.client.post("/api/v1/queue/pause")
        server.client.post(f"/api/v1/jobs/{job}/cancel")
    return {
        "clients": clients,
        "submitters": submitters,
        "busy_seconds": len(ratios) * PHASE,
        "answers_to_progress": len(answers.progress),
        "jobs_submitted": len(answers.submitted),
        "serving_thread_percent_of_a_core": round(serving_seconds / (len(ratios) * PHASE) * 100, 1),
        "errors": len(answers.errors),
        "first_errors": answers.errors[:3],
        "progress_ms": _percentiles(answers.progress),
        "submit_ms": _percentiles(answers.submitted),
        "sampling_slower_percent": {
            "least": round((min(ratios) - 1) * 100, 1),
            "median": round((statistics.median(ratios) - 1) * 100, 1),
            "greatest": round((max(ratios) - 1) * 100, 1),
        },
    }


def show(result: dict[str, Any]) -> str:
    """The numbers as a table."""
    return table(["", ""], [[key.replace("_", " "), str(value)] for key, value in result.items()])


def _step(server: Server, job: str) -> int:
    progress = server.client.get(f"/api/v1/jobs/{job}").json()["progress"]
    return int(progress["step"]) if progress else 0


def _serving_thread(server: Server) -> float:
    """Processor seconds of the thread that answers, the process's first."""
    threads = {thread.id: thread for thread in psutil.Process(server.process.pid).threads()}
    first = threads[server.process.pid]
    return first.user_time + first.system_time


def _speed_during(server: Server, job: str, phase: Callable[[], object]) -> float:
    """Steps a second while `phase()` lasts."""
    began, first = time.perf_counter(), _step(server, job)
    phase()
    last = _step(server, job)
    return (last - first) / (time.perf_counter() - began)


async def _busy(server: Server, job: str, clients: int, submitters: int, answers: Answers) -> None:
    until = time.perf_counter() + PHASE
    port, half = server.port, clients // 2
    tasks = [_poll_as_page(port, job, number / half, until, answers) for number in range(half)]
    tasks += [_poll_as_client(port, number / half, until, answers) for number in range(clients - half)]
    tasks += [_submit(port, number / submitters, until, answers) for number in range(submitters)]
    await asyncio.gather(*tasks)


async def _poll_as_page(port: int, job: str, share: float, until: float, answers: Answers) -> None:
    """Ask as A1111's page does, for newer previews too."""
    await asyncio.sleep(share)
    newest = -1
    async with Connection(port) as connection:
        while (began := time.perf_counter()) < until:
            body = {"id_task": job, "id_live_preview": newest}
            status, content = await connection.ask("POST", "/internal/progress", body)
            newest = json.loads(content).get("id_live_preview", -1) if status == 200 else newest
            await _next_second(began, answers.progress, answers, (status, content))


async def _poll_as_client(port: int, share: float, until: float, answers: Answers) -> None:
    """Ask as clients of A1111's API do."""
    await asyncio.sleep(share)
    async with Connection(port) as connection:
        while (began := time.perf_counter()) < until:
            answer = await connection.ask("GET", "/sdapi/v1/progress?skip_current_image=true")
            await _next_second(began, answers.progress, answers, answer)


async def _submit(port: int, share: float, until: float, answers: Answers) -> None:
    await asyncio.sleep(share)
    async with Connection(port) as connection:
        while (began := time.perf_counter()) < until:
            answer = await connection.ask("POST", "/api/v1/jobs/txt2img", SMALL_JOB)
            await _next_second(began, answers.submitted, answers, answer)


async def _next_second(began: float, times: list[float], answers: Answers, answer: tuple[int, bytes]) -> None:
    """Note how long an answer took and whether it was one; wait until a second has passed since it was asked for."""
    took = time.perf_counter() - began
    times.append(took)
    if answer[0] not in (200, 201):
        answers.errors.append(f"{answer[0]}: {answer[1][:200]!r}")
    await asyncio.sleep(max(1 - took, 0))


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    places = {"median": 0.5, "p99": 0.99, "greatest": 1.0}
    return {
        name: round(ordered[min(int(place * len(ordered)), len(ordered) - 1)] * 1000, 1)
        for name, place in places.items()
    }
