"""What a connection has asked before is answered the short way, and nobody can tell."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.api.ahead import Ahead
from modules.api.connection import MOST_KNOWN
from tests.api.conftest import Served, flags_for, serving, wait_until

Background = Callable[[Callable[[], object]], object]
Answer = tuple[bytes, dict[bytes, bytes], Any]


class Wire:
    """A connection on which bytes are sent just as they are."""

    def __init__(self, served: Served) -> None:
        url = served.client.base_url
        self.socket = socket.create_connection((url.host, url.port), timeout=30)
        self._left = b""

    def send(self, *parts: bytes) -> None:
        """Each part on its own."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, part in enumerate(parts):
            if number:
                time.sleep(0.05)
            self.socket.sendall(part)

    def answer(self) -> Answer:
        """Status line, headers and JSON of the next answer."""
        while b"\r\n\r\n" not in self._left:
            self._more()
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        while len(self._left) < (length := int(headers[b"content-length"])):
            self._more()
        body, self._left = self._left[:length], self._left[length:]
        return status, headers, json.loads(body)

    def ask(self, *parts: bytes) -> Answer:
        """Send and hear."""
        self.send(*parts)
        return self.answer()

    def _more(self) -> None:
        part = self.socket.recv(65536)
        assert part, "the server closed the connection"
        self._left += part


def get(query: str = "", *headers: str) -> bytes:
    return "\r\n".join([f"GET /sdapi/v1/progress{query} HTTP/1.1", "Host: easel", *headers, "", ""]).encode()


def post(body: Any, *headers: str) -> bytes:
    text = json.dumps(body)
    lines = ["POST /internal/progress HTTP/1.1", "Host: easel", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(text)}", "", text]).encode()


@pytest.fixture
def long_way(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that went through the guards."""
    paths: list[str] = []
    call = Ahead.__call__

    async def noting(self: Ahead, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            paths.append(scope["path"])
        await call(self, scope, receive, send)

    monkeypatch.setattr(Ahead, "__call__", noting)
    return paths


@pytest.fixture
def wire(served: Served) -> Iterator[Wire]:
    wire = Wire(served)
    yield wire
    wire.socket.close()


def test_the_same_question_is_answered_the_short_way_with_the_same_headers(
    wire: Wire, running_job: str, long_way: list[str]
) -> None:
    question = get("?skip_current_image=true")
    first, again = wire.ask(question), wire.ask(question)
    assert len(long_way) == 1
    assert (first[0], first[1].keys()) == (again[0], again[1].keys())
    assert again[1][b"content-type"] == b"application/json"
    assert first[2].keys() == again[2].keys()
    wait_until(lambda: wire.ask(question)[2]["state"]["sampling_step"] > first[2]["state"]["sampling_step"])
    assert len(long_way) == 1


def test_bodies_may_differ_and_come_in_pieces(wire: Wire, running_job: str, long_way: list[str]) -> None:
    assert wire.ask(post({"id_task": running_job, "live_preview": False}))[2]["active"]
    for name in ("x" * len(running_job), "y" * len(running_job)):  # as long, or the heads would differ
        question = post({"id_task": name, "live_preview": False})
        assert not wire.ask(question)[2]["active"]
    question = post({"id_task": running_job, "live_preview": False})
    head, body = question.split(b"\r\n\r\n")
    assert wire.ask(head + b"\r\n\r\n", body)[2]["active"]
    assert wire.ask(head + b"\r\n\r\n" + body[:5], body[5:9], body[9:])[2]["active"]
    assert wire.ask(head[:20], head[20:] + b"\r\n\r\n" + body)[2]["active"]
    assert len(long_way) == 2, "only the first one, and the one whose head came in pieces"


def test_a_question_that_cannot_be_answered_at_once_goes_the_long_way(
    wire: Wire, running_job: str, long_way: list[str]
) -> None:
    assert wire.ask(post({"id_task": "x"}))[0].endswith(b"200 OK")
    broken = post({"id_task": "x"}).replace(b'"x"}', b'"x",')
    assert b"422" in wire.ask(broken)[0]
    assert wire.ask(post({"id_task": "y"}))[0].endswith(b"200 OK")
    assert len(long_way) == 2


def test_questions_sent_together_are_answered_in_order(wire: Wire, running_job: str) -> None:
    one, other = get("?skip_current_image=true"), post({"id_task": "x"})
    for _ in range(3):
        wire.send(one + other + one)
        kinds = ["state" in wire.answer()[2] for _ in range(3)]
        assert kinds == [True, False, True]


def test_a_question_within_the_body_of_another_request_is_none(wire: Wire, served: Served) -> None:
    question = get("?skip_current_image=true")
    wire.ask(question)
    wire.ask(question)
    text = b'{"image": "' + b"A" * 50 + b'"}'
    head = f"POST /sdapi/v1/png-info HTTP/1.1\r\nHost: easel\r\nContent-Length: {len(text) + len(question)}\r\n\r\n"
    status, _, answer = wire.ask(head.encode() + text, question)
    assert b"200" not in status
    assert "state" not in answer, "an upload took the answer of a question"
    assert "state" in wire.ask(question)[2]


def test_who_may_not_ask_is_refused_on_a_connection_that_was_let_through_before(tmp_path: Path) -> None:
    with serving(flags_for(tmp_path, api_auth="user:word", nowebui=True, subpath="easel")) as locked:
        wire = Wire(locked)
        name = "Authorization: Basic dXNlcjp3b3Jk"
        for _ in range(2):
            assert b"200" in wire.ask(get("", name))[0]
            assert b"401" in wire.ask(get())[0]
            assert b"401" in wire.ask(get("", name.replace("3", "4")))[0]
            assert b"200" in wire.ask(post({}, name))[0]
            assert b"403" in wire.ask(post({}, name, "Origin: http://evil.example"))[0]
        wire.socket.close()


def test_headers_of_the_guards_are_on_every_answer(tmp_path: Path, long_way: list[str]) -> None:
    with serving(flags_for(tmp_path, cors_allow_origins="http://friend.example", nowebui=True)) as served:
        wire = Wire(served)
        for origin, allowed in (("http://friend.example", True), ("http://other.example", False)) * 2:
            headers = wire.ask(get("", f"Origin: {origin}"))[1]
            assert (headers.get(b"access-control-allow-origin") == origin.encode()) is allowed
        assert len(long_way) == 2
        wire.socket.close()


def test_a_connection_forgets_what_is_too_much(wire: Wire, long_way: list[str]) -> None:
    for number in range(3 * MOST_KNOWN):
        wire.ask(get("", f"X-Number: {number}"))
    before = len(long_way)
    wire.ask(get("", f"X-Number: {3 * MOST_KNOWN - 1}"))
    assert len(long_way) == before
    wire.ask(get("", "X-Number: 0"))
    assert len(long_way) == before + 1


def test_odd_requests_are_not_remembered(wire: Wire, long_way: list[str]) -> None:
    for odd in ("Expect: 100-continued", "Upgrade: h2c"):
        for _ in range(2):
            assert wire.ask(get("", odd))[0].endswith(b"200 OK")
    assert len(long_way) == 4


def test_a_connection_that_asks_the_short_way_is_not_closed_as_unused(tmp_path: Path, long_way: list[str]) -> None:
    with serving(flags_for(tmp_path, nowebui=True), timeout_keep_alive=1) as served:
        asking, silent = Wire(served), Wire(served)
        silent.ask(get())
        for _ in range(10):
            asking.ask(get())
            time.sleep(0.2)
        assert silent.socket.recv(100) == b"", "the other one was not closed"
        assert len(long_way) == 2
        for wire in (asking, silent):
            wire.socket.close()


def test_the_access_log_hears_of_every_question(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(flags_for(tmp_path, api_log=True, nowebui=True)) as served:
        wire = Wire(served)
        for _ in range(3):
            wire.ask(get())
        wire.socket.close()
    assert sum("/sdapi/v1/progress" in record.getMessage() for record in caplog.records) == 3
