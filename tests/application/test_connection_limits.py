"""Clients that take their time, and too many of them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from modules.application.connection_limits import LimitedConnection


class Hasty(LimitedConnection):
    """Limits that a test need not wait long for."""

    head_seconds = 0.3
    body_grace, body_bytes_a_second, body_check = 0.3, 1_000_000.0, 0.05
    most = 6


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the number of bytes that came; at "/stream" with a beginning that has no end."""
    if scope["path"] == "/stream":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await receive()
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    text = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(echo, log_config=None, http=Hasty, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def everything(client: socket.socket) -> bytes:
    """What comes until the other side closes the connection."""
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: client.recv(65536), b""))
    return b""


def asked(client: socket.socket, body: bytes = b"") -> bytes:
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    return client.recv(65536)


@pytest.mark.parametrize("begun", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_head_that_does_not_come_or_drips_is_not_waited_for(port: int, begun: bytes) -> None:
    with connected(port) as client:
        client.sendall(begun)
        with contextlib.suppress(OSError):
            for _ in range(8):
                time.sleep(0.05)
                client.sendall(b"a" if begun else b"")
        answer = everything(client)
        assert answer.startswith(b"HTTP/1.1 408") or (begun and not answer)  # bytes on their way may reset it


def test_the_next_head_on_a_connection_has_its_time_too(port: int) -> None:
    with connected(port) as client:
        assert asked(client).endswith(b"0")
        time.sleep(0.5)  # idle for longer than a head may take is no fault
        assert asked(client, b"abc").endswith(b"3")
        client.sendall(b"GET / HT")
        assert everything(client).startswith(b"HTTP/1.1 408")


def test_a_few_requests_may_be_sent_ahead_and_hundreds_are_refused(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    with connected(port) as client:
        client.sendall(head * LimitedConnection.most_ahead)
        answer = b""
        while answer.count(b"HTTP/1.1 200") < LimitedConnection.most_ahead:
            answer += client.recv(65536)
    with connected(port) as client:
        client.sendall(head * 300)
        answer = everything(client)
        assert answer.count(b"HTTP/1.1 200") <= LimitedConnection.most_ahead + 1
        assert b"HTTP/1.1 400" in answer or not answer  # what was still to be read may reset it


def test_a_body_that_drips_is_not_waited_for_and_one_that_flows_is(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(20):
                client.sendall(b"a")
                time.sleep(0.05)
        assert b"HTTP/1.1 200" not in everything(client)
    with connected(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
        for _ in range(30):
            client.sendall(bytes(100_000))
        assert client.recv(65536).endswith(b"3000000")


def test_those_who_keep_us_waiting_make_room(port: int) -> None:
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connected(port)) for _ in range(Hasty.most)]
        for client in crowd:
            client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(3):
            with connected(port) as client:
                assert asked(client, b"served").endswith(b"6")


def test_streams_that_were_opened_and_left_make_room(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(Hasty.most):
            stream = stack.enter_context(connected(port))
            stream.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            assert stream.recv(65536).startswith(b"HTTP/1.1 200")
        # A client that was served and asks again from time to time does not make room for the next ones.
        faithful = stack.enter_context(connected(port))
        assert asked(faithful, b"a").endswith(b"1")
        for _ in range(3):
            with connected(port) as client:
                assert asked(client, b"served").endswith(b"6")
            assert asked(faithful, b"again").endswith(b"5")
