"""The page's document, made once for each address under which Easel is opened.

Gradio copies and writes out the whole description of the page for every request, a tenth of a second of work that holds
the interpreter. Fifty browsers, or one that asks fifty times, would stop everyone else for seconds.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DOCUMENTS = frozenset({"", "/config"})
"""What Gradio makes from the description of the whole page."""

MOST_KEPT = 32
"""Documents; there are as many as names under which the page is opened."""

_TELL_THE_ADDRESS = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")

Key = tuple[str, str, str, *tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole answer."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class PageDocument:
    """ASGI middleware of Gradio's own application, behind every guard: its large documents are made one at a time,
    and kept. What an address says behind "?" is for the browser alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: collections.OrderedDict[Key, Document] = collections.OrderedDict()
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or make it first; hand everything else on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
        if path not in DOCUMENTS:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = (headers.get(name, "") for name in _TELL_THE_ADDRESS)
        key: Key = (path, scope["scheme"], scope.get("root_path", ""), *said)
        async with self._making:
            document = self._kept.get(key) or await self._made(scope, receive)
            if document.status == 200:
                self._kept[key] = document
                self._kept.move_to_end(key)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            await asyncio.sleep(0)  # of hundreds who wait, one is served in each turn of the loop
        await send({"type": "http.response.start", "status": document.status, "headers": list(document.headers)})
        await send({"type": "http.response.body", "body": document.body if scope["method"] == "GET" else b""})

    async def _made(self, scope: Scope, receive: Receive) -> Document:
        status, headers, body = 500, list[tuple[bytes, bytes]](), list[bytes]()

        async def hold(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                body.append(message.get("body", b""))

        refused = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        kept = [(name, value) for name, value in scope["headers"] if name not in refused]
        await self.app({**scope, "method": "GET", "query_string": b"", "headers": kept}, receive, hold)
        return Document(status=status, headers=headers, body=b"".join(body))
