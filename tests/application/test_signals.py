"""The end of a real process by each signal that people and machines end programs with."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import Server, serving
from modules.application.jobs.job import ENDED
from tests.tiny_models import make_tiny_sd1

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals are sent to a process"),
    pytest.mark.usefixtures("warm_starts"),
]

JOB = {"prompt": "a cat", "steps": 20, "width": 64, "height": 64, "n_iter": 2000, "save_images": True, "seed": 1}
PATIENCE = 10.0
"""Seconds that `docker stop` waits before it kills."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_tiny_sd1(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    return tmp_path


@pytest.fixture
def server(data: Path, warm_starts: None) -> Iterator[Server]:
    with serving(data, ["--use-cpu", "all", "--no-half"]) as running:
        yield running


def rows(data: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data / "easel.sqlite", timeout=30)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def seen(server: Server, data: Path, job: str, pictures: int) -> None:
    """Wait until so many pictures of a job are in the history."""
    until = time.monotonic() + 120
    while len(rows(data, "SELECT id FROM images WHERE job = ?", job)) < pictures:
        assert time.monotonic() < until
        assert server.process.poll() is None, server.log.read_text(errors="replace")
        time.sleep(0.05)


def ask_and_never_read(server: Server, path: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_saves_what_is_made_and_marks_the_job_while_clients_hang_on(
    server: Server, data: Path, name: str
) -> None:
    number = getattr(signal, name)
    job = server.client.post("/api/v1/jobs/txt2img", json=JOB).json()["id"]
    waiting = server.client.post("/api/v1/jobs/txt2img", json={**JOB, "n_iter": 1}).json()["id"]
    clients = [ask_and_never_read(server, path) for path in ("/api/v1/events", "/openapi.json", "/sdapi/v1/options")]
    half = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    half.sendall(b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{")
    seen(server, data, job, 3)
    server.process.send_signal(number)
    assert server.process.wait(PATIENCE) == -number
    for client in (*clients, half):
        client.close()
    assert "Traceback" not in server.log.read_text(errors="replace")
    assert rows(data, "SELECT state, note FROM jobs WHERE id = ?", job) == [("interrupted", ENDED)]
    assert rows(data, "SELECT state FROM jobs WHERE id = ?", waiting) == [("waiting",)]
    kept = [data / path for (path,) in rows(data, "SELECT path FROM images WHERE job = ? AND path IS NOT NULL", job)]
    assert len(kept) >= 3
    assert all(path.is_file() for path in kept)
    saved = {path for path in (data / "outputs").rglob("*.png") if not path.name.startswith(".")}
    known = {data / path for (path,) in rows(data, "SELECT path FROM images WHERE path IS NOT NULL")}
    assert saved == known


def test_a_client_that_waits_for_its_pictures_gets_those_that_are_made(server: Server) -> None:
    answers: list[Any] = []
    body = {**JOB, "save_images": False}
    asking = threading.Thread(target=lambda: answers.append(server.client.post("/sdapi/v1/txt2img", json=body)))
    asking.start()
    until = time.monotonic() + 120
    while server.client.get("/sdapi/v1/progress").json()["state"]["job_no"] < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(PATIENCE)
    asking.join()
    assert answers[0].status_code == 200
    assert len(answers[0].json()["images"]) >= 2


WORK_THAT_HEARS_NOTHING = """
import sys, time
from modules.application.signals import ShutdownSignals

def stop():
    print("stop", flush=True)

with ShutdownSignals(stop, lambda: print("abandoned", flush=True), deadline=float(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def deaf(deadline: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK_THAT_HEARS_NOTHING, str(deadline)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_at_the_deadline_the_process_ends_whatever_still_runs() -> None:
    with deaf(deadline=1.5) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
        assert process.stdout is not None
        assert process.stdout.read() == "stop\nabandoned\n"


def test_a_second_signal_ends_it_at_once_and_a_terminal_that_closes_does_not_hurry() -> None:
    with deaf(deadline=600) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "stop\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
        assert process.stdout.read() == ""


def test_a_signal_that_was_ignored_before_stays_ignored() -> None:
    code = (
        "import os, signal\nfrom modules.application.signals import ShutdownSignals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with ShutdownSignals(lambda: None, lambda: None) as signals:\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    assert signals.received is None\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
