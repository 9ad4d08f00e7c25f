"""The crowd of clients asks at its pace, whatever the server does with its connections."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks import clients
from benchmarks.clients import Crowd

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Answering:
    """Answers every request in the same way, and closes all connections when told."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close_connections(self) -> None:
        for connection in self.connections:
            with contextlib.suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while connection.recv(65536):
                connection.sendall(ANSWER)


@pytest.fixture
def server() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.close()


def test_everybody_asks_once_a_period_and_connections_closed_meanwhile_are_opened_again(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PERIOD", 0.25)
    crowd = Crowd(server.port, "job", 6, 2)
    for _ in range(2):
        crowd.ask_for(0.5)
        assert len(server.connections) == 8
        server.close_connections()
    crowd.ask_for(0.25)
    crowd.close()
    assert len(crowd.progress.seconds) == 6 * 5
    assert len(crowd.submitted.seconds) == 2 * 5
    assert crowd.progress.errors == crowd.submitted.errors == []
