"""Easel as a process of its own over a data folder, for measurements from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0
"""Seconds after which a start counts as failed."""


class Server:
    """A started Easel without its page. `client` speaks to its API."""

    start_process: ClassVar[Callable[..., subprocess.Popen[Any]]] = subprocess.Popen

    def __init__(self, data: Path, flags: Sequence[str] = (), program: Sequence[str] = ("webui.py",)) -> None:
        self.port = free_port()
        data.mkdir(parents=True, exist_ok=True)
        self.log = data / "log.txt"
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, *program, "--nowebui", "--port", str(self.port), "--data-dir", str(data), *flags]
        with self.log.open("ab") as output:
            self.process = type(self).start_process(
                command,
                cwd=ROOT,
                env={key: value for key, value in os.environ.items() if key != "COMMANDLINE_ARGS"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE)

    def wait_until_served(self) -> None:
        """Return as soon as the API answers. Raises RuntimeError with the log when it never does."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if self.client.get("/internal/ping").status_code == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"Easel does not answer:\n{self.log.read_text(errors='replace')[-3000:]}")

    def kill(self) -> None:
        """End it as a power cut would: no handler runs, nothing is closed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.client.close()

    def stop(self) -> None:
        """End it as Ctrl+C does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(30)
        self.client.close()


def free_port() -> int:
    """A port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(data: Path, flags: Sequence[str] = ()) -> Generator[Server]:
    """A server that answers, until the block ends."""
    server = Server(data, flags)
    try:
        server.wait_until_served()
        yield server
    finally:
        server.stop()
