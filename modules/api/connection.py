"""A connection to the server that knows the questions which it has passed on before, and answers them by itself.

Whoever watches a job asks the same over one connection all the time. Parsing, a task, the guards and the layers of the
framework are many times the work of the answer, and all of it is taken from the sampler. A question whose head has the
very bytes of one that has been all that way on the same connection would be let through again: all that the guards
judge by (the head, the address of the client, the flags of the program) is the same. So it is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Ask = Callable[[bytes], bytes | None]
"""From the body of a question to the JSON that answers it; None where it has to go the long way this time."""

AGAIN = "easel.again"
"""The ASGI extension by which whoever answers a question says how to answer it again: `extension["ask"] = ask`."""

MOST_KNOWN = 8
"""Questions that one connection knows; a page has two, as its number of the last preview has one digit more or less."""

_END = b"\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A question that has been the long way: how long its body is, and how it is answered."""

    length: int
    headers: bytes
    ask: Ask


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with a short way for what was asked before."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._long_way = self.app
        self.app = self._noting  # type: ignore[assignment]
        self._known: dict[bytes, _Known] = {}
        self._used = 0.0
        self._head: bytes | None = None
        self._head_is_new = self._in_message = False
        self._begun = b""

    def data_received(self, data: bytes) -> None:
        """Answer at once what is known and complete; everything else goes the long way."""
        if self._in_message or self.pipeline or (self.cycle and not self.cycle.response_complete):
            super().data_received(data)
            return
        if self._begun:
            data, self._begun = self._begun + data, b""
        end = data.find(_END) + len(_END)
        head = data[:end] if end >= len(_END) else None
        if head is not None and (known := self._known.get(head)) is not None:
            missing = end + known.length - len(data)
            if missing > 0:
                self._begun = data
                return
            if missing == 0 and not self.flow.write_paused and (answer := known.ask(data[end:])) is not None:
                self._answer(known, answer)
                return
        self._head, self._head_is_new = head, True
        super().data_received(data)

    def _answer(self, known: _Known, answer: bytes) -> None:
        common = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        if (now := self.loop.time()) > self._used + self.timeout_keep_alive / 4:
            self._used = now
            self.on_response_complete()  # or uvicorn would close the connection as unused
        self.transport.write(
            b"HTTP/1.1 200 OK\r\n%b%bcontent-length: %d\r\n\r\n%b" % (common, known.headers, len(answer), answer)
        )

    # How a question becomes known

    def on_message_begin(self) -> None:
        """A request begins. Only the first one in what has come is the one whose head was cut off."""
        self._in_message = True
        if not self._head_is_new:
            self._head = None
        self._head_is_new = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._in_message = False
        super().on_message_complete()

    async def _noting(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go the long way, and remember whom it led to."""
        head = self._head
        if head is None or scope["type"] != "http":
            await self._long_way(scope, receive, send)  # type: ignore[arg-type]
            return
        again: dict[str, Any] = {}
        scope.setdefault("extensions", {})[AGAIN] = again
        headers: list[tuple[bytes, bytes]] | None = None

        async def noted(message: Message) -> None:
            nonlocal headers
            if "ask" in again and message["type"] == "http.response.start" and message["status"] == 200:
                headers = list(message["headers"])
            await send(message)

        await self._long_way(scope, receive, noted)  # type: ignore[arg-type]
        if headers is not None:
            self._learn(scope, head, headers, again["ask"])

    def _learn(self, scope: Scope, head: bytes, headers: list[tuple[bytes, bytes]], ask: Ask) -> None:
        asked = dict(scope["headers"])
        # Whatever else could end or change the connection, or be taken for another head, keeps to the long way.
        if asked.keys() & {b"transfer-encoding", b"expect", b"upgrade"} or head.count(b"\n") != head.count(b"\r\n"):
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[head] = _Known(
            length=int(asked.get(b"content-length", b"0")),
            headers=b"".join([b"%b: %b\r\n" % each for each in headers if each[0].lower() != b"content-length"]),
            ask=ask,
        )
