"""How long a client may take to say what it wants, and how many may be connected: others want to be served too."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RESERVED = 256
"""Open files that are kept back for pictures, models and the database."""

WANTED = 8192
"""Open files that are asked of the system, if it lets us have so many."""


def most_connections() -> int:
    """How many connections there may be. Where the system lets a program have more files open, more are asked for."""
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return 4096
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return max(min(soft, WANTED) - RESERVED, soft // 2) // 2  # one that uploads has a file open besides


class LimitedConnection(HttpToolsProtocol):
    """uvicorn's connection with a clock. A head must be complete within a time, a body must keep coming.

    Answered with 408. With `most` connections open, the one that has kept us waiting longest makes room for a new one.
    """

    head_seconds = 20.0
    body_grace, body_bytes_a_second, body_check = 30.0, 1000.0, 5.0
    most = 4096
    most_ahead = 8

    def __init__(self, *arguments: Any, **named: object) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0
        self._body = 0
        self._in_message = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there. It has to say something soon."""
        if len(self.connections) >= self.most and not self._make_room():
            transport.write(_answer(503, b"Too many clients are connected. Try again in a moment."))
            transport.close()
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come: the beginning of a request, if none is under way."""
        if self._timer is None and not self._in_message and not self.served:
            self._expect_head()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins. Raises ValueError, which the parser answers with 400, for too many at once.

        No browser sends the next request before the answer to the last; hundreds in one piece are taken apart at once.
        """
        if len(self.pipeline) >= self.most_ahead:
            raise ValueError("too many requests were sent ahead of their answers")
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._stop_timer()
        self._waiting_since, self._body = time.monotonic(), 0
        self._timer = self.loop.call_later(self.body_check, self._check_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body has come."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete; now it is for us to answer."""
        self._stop_timer()
        self._in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is given; from now on the connection is idle."""
        self._waiting_since = time.monotonic()
        super().on_response_complete()

    @property
    def served(self) -> bool:
        """Whether a whole request waits for its answer."""
        return bool(self.cycle) and not self.cycle.response_complete and not self.cycle.more_body

    @property
    def unfinished(self) -> bool:
        """Whether a request is on its way, or none has come yet."""
        return not self.served and (self._in_message or not self.cycle)

    @property
    def answering(self) -> bool:
        """Whether an answer has begun that has no end yet: a stream, or one that is read slowly or never."""
        return self.served and self.cycle.response_started

    def _expect_head(self) -> None:
        self._waiting_since = time.monotonic()
        self._timer = self.loop.call_later(self.head_seconds, self._too_late)

    def _check_body(self) -> None:
        """A body may come as slowly as it needs to, but not drip for the sake of it."""
        elapsed = time.monotonic() - self._waiting_since
        if self.flow.read_paused:  # it is we who do not read
            self._waiting_since = time.monotonic()
            self._body = 0
        elif self._body < (elapsed - self.body_grace) * self.body_bytes_a_second:
            self._too_late()
            return
        self._timer = self.loop.call_later(self.body_check, self._check_body)

    def _too_late(self) -> None:
        self._stop_timer()
        if self.transport.is_closing():
            return
        if not self.cycle or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(_answer(408, b"The request took too long to arrive."))
        self._leave()

    def _leave(self) -> None:
        self.transport.close()
        self.loop.call_later(5.0, self.transport.abort)  # who does not read would else keep it open

    def _make_room(self) -> bool:
        """Close the connection whose request has been arriving for longest; if there is none, the one that has been
        idle for longest or whose answer has.

        Pages take up their stream of events again by themselves. False where all wait for the beginning of an answer.
        """
        known = [each for each in self.connections if isinstance(each, LimitedConnection)]
        waiting = [each for each in known if each.unfinished] or [
            each for each in known if each.answering or not each.served
        ]
        if not waiting:
            return False
        longest = min(waiting, key=lambda each: each._waiting_since)
        longest._stop_timer()
        longest.transport.abort()
        self.connections.discard(longest)
        return True

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _answer(status: int, text: bytes) -> bytes:
    reason = {408: b"Request Timeout", 503: b"Service Unavailable"}[status]
    head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close" % len(text)
    return b"HTTP/1.1 %d %b\r\n%b\r\n\r\n%b" % (status, reason, head, text)
