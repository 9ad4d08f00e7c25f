"""uvicorn's server with our own end: those who wait for running jobs are answered before connections are closed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Generator

import uvicorn

WAIT_FOR_JOBS = 5.0
"""Seconds for which an end waits for the running jobs to leave their current step; then connections are closed."""

WAIT_FOR_CLIENTS = 2
"""Seconds in which clients must have taken their last answers."""


class OrderlyServer(uvicorn.Server):
    """Calls `before_end()` when it is told to end, and waits a while for `ended()` before it closes connections.

    Signals are none of its business: uvicorn would raise them again after its own end and before ours.
    """

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None], ended: Callable[[], bool]) -> None:
        super().__init__(config)
        self._before_end, self._ended = before_end, ended

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, let running jobs end and be answered, then close what is left."""
        for server in self.servers:
            server.close()
        self._before_end()
        until = time.monotonic() + WAIT_FOR_JOBS
        while not self._ended() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
