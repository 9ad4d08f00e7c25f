"""uvicorn's server with a graceful shutdown: clients waiting for jobs are answered before connections close."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Generator

import uvicorn

WAIT_FOR_JOBS = 4.0
"""Seconds for which an end waits for the running jobs to leave their current step; then connections are closed."""

WAIT_FOR_CLIENTS = 1.5
"""Seconds in which clients must have taken their last answers."""


class GracefulServer(uvicorn.Server):
    """Calls `before_end()` on a signal to end, and waits a while for `ended()` before it closes connections.

    It leaves signals alone: uvicorn would raise them again after its own end and before ours.
    """

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None], ended: Callable[[], bool]) -> None:
        super().__init__(config)
        self._before_end, self._ended = before_end, ended

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install no signal handlers."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, let running jobs end and be answered, then close what is left."""
        for server in self.servers:
            server.close()
        self._before_end()
        await _until(self._ended, WAIT_FOR_JOBS)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await _until(lambda: not self.server_state.connections, WAIT_FOR_CLIENTS)
        # Who is still there reads slowly, or listens to a stream without an end, as every open page does. To be left is
        # something that those who answer them know; to be cancelled is not.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await _until(lambda: not self.server_state.tasks, 0.5)
        await super().shutdown(sockets)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        await asyncio.sleep(0.02)
