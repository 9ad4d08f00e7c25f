"""The least that answering over HTTP costs: a server of the same make that says the same few bytes to every request.

Measures how far clients slow the sampler down on a machine they share, without any of Easel's own work.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx

from benchmarks.server import free_port

ANSWER = b'{"progress":0.5,"eta_relative":60.0,"state":{"job":"txt2img"},"current_image":null,"textinfo":null}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application without any routes."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


@contextmanager
def bare_server() -> Generator[int]:
    """The port of such a server in a process of its own."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.bare", str(port)])
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(answer, port=int(sys.argv[1]), log_config=None, access_log=False, timeout_keep_alive=60, lifespan="off")
