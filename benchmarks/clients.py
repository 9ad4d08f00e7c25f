"""Many clients of the API as one process that costs as little as it can.

On a machine of two cores the clients' own work slows the sampler too, and is not the server's: so no HTTP library, no
coroutine for each of them, and answers are looked at no closer than they have to be.
"""

from __future__ import annotations

import heapq
import json
import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

SMALL_JOB = {"prompt": "a green square", "steps": 1, "width": 64, "height": 64, "save_images": False, "priority": -1}
PERIOD = 1.0
"""Seconds between two questions of one client."""

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PREVIEW = re.compile(rb'"id_live_preview": ?(-?\d+)')
_NO_PREVIEW = b"-1000000000"
"""A number as wide as any, so that another can be put in its place."""


@dataclass
class Seen:
    """What clients of one kind saw: seconds until an answer was whole, and answers that were none."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Client:
    """One connection of HTTP/1.1 that sends the same request again and again."""

    def __init__(self, port: int, seen: Seen, method: str, path: str, body: object = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        self.request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        self.due = 0.0
        self.in_flight = self.lost = False
        self.socket: socket.socket | None = None
        self._port, self._seen = port, seen
        self._sent, self._received = 0.0, b""

    def __lt__(self, other: Client) -> bool:
        return self.due < other.due

    def connect(self) -> socket.socket:
        """Open the connection."""
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        return self.socket

    def disconnect(self) -> None:
        """Close the connection; the next question opens another."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def was_closed(self) -> bool:
        """Whether the server has closed the connection while nothing was asked."""
        assert self.socket is not None
        try:
            return not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def ask(self) -> None:
        """Send the request."""
        assert self.socket is not None
        self._sent, self._received, self.in_flight = time.perf_counter(), b"", True
        self.socket.sendall(self.request)

    def hear(self) -> bool:
        """Read what has come; whether the answer is whole now, or will never be."""
        assert self.socket is not None
        part = self.socket.recv(1 << 18)
        self.lost = not part
        self._received += part
        head, _, content = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if part and (length is None or len(content) < int(length[1])):
            return False
        self.in_flight = False
        self._seen.seconds.append(time.perf_counter() - self._sent)
        if not part or head[9:11] != b"20":
            self._seen.errors.append(repr(self._received[:300]))
        self.on_answer(content)
        return True

    def on_answer(self, content: bytes) -> None:
        """Look at an answer."""


class Page(Client):
    """Asks as A1111's page does, for previews that are newer than the last one it got."""

    def __init__(self, port: int, seen: Seen, job: str) -> None:
        body = {"id_task": job, "id_live_preview": int(_NO_PREVIEW)}
        super().__init__(port, seen, "POST", "/internal/progress", body)
        self._form = self.request

    def on_answer(self, content: bytes) -> None:
        """Ask for what is newer than this from now on."""
        if (number := _PREVIEW.search(content)) is not None:
            self.request = self._form.replace(_NO_PREVIEW, number[1].rjust(len(_NO_PREVIEW)))


class Crowd:
    """So many pollers, half of them pages and half programs, and submitters of small jobs."""

    def __init__(self, port: int, job: str, pollers: int, submitters: int) -> None:
        self.progress, self.submitted = Seen(), Seen()
        path = "/sdapi/v1/progress?skip_current_image=true"
        pages: list[Client] = [Page(port, self.progress, job) for _ in range(pollers // 2)]
        programs = [Client(port, self.progress, "GET", path) for _ in range(pollers - len(pages))]
        others = [Client(port, self.submitted, "POST", "/api/v1/jobs/txt2img", SMALL_JOB) for _ in range(submitters)]
        self._clients = _mixed(pages, programs, others)
        self._selector = selectors.DefaultSelector()

    def ask_for(self, seconds: float) -> None:
        """Let each client ask once a `PERIOD`, all evenly spread over it; return when the last answer is there."""
        began = time.perf_counter()
        for number, client in enumerate(self._clients):
            client.due = began + PERIOD * number / len(self._clients)
        due, open_questions = list(self._clients), 0
        while True:
            while due and due[0].due <= time.perf_counter():
                client = heapq.heappop(due)
                if client.due < began + seconds:
                    self._ask(client)
                    open_questions += 1
            if not due and not open_questions:
                break
            wait = due[0].due - time.perf_counter() if due else 60.0
            for key, _ in self._selector.select(max(wait, 0)):
                if not key.data.in_flight:  # the server has closed a connection that was not used
                    self._disconnect(key.data)
                elif key.data.hear():
                    open_questions -= 1
                    if key.data.lost:
                        self._disconnect(key.data)
                    key.data.due += PERIOD
                    heapq.heappush(due, key.data)

    def _disconnect(self, client: Client) -> None:
        assert client.socket is not None
        self._selector.unregister(client.socket)
        client.disconnect()

    def _ask(self, client: Client) -> None:
        if client.socket is not None and client.was_closed():
            self._disconnect(client)
        if client.socket is None:
            self._selector.register(client.connect(), selectors.EVENT_READ, client)
        client.ask()

    def close(self) -> None:
        """End all connections."""
        self._selector.close()
        for client in self._clients:
            client.disconnect()


def _mixed(*kinds: Sequence[Client]) -> list[Client]:
    """All clients in an order in which each kind is spread evenly over the whole."""
    placed = [(index / len(kind), client) for kind in kinds for index, client in enumerate(kind)]
    return [client for _, client in sorted(placed, key=lambda each: each[0])]
