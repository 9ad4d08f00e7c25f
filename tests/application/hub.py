"""A hub on this machine that serves one file and misbehaves as it is told."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub:
    """What is served, how, and what was asked.

    `cuts` are the numbers of bytes after which the next answers break off. `ranges` says whether parts are served.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"one"'
        self.modified: str | None = None
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.ranges = True
        self.heeds_condition = True
        self.tells_length = True
        self.headers: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.base = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(handler.headers))
        path = handler.path.partition("?")[0]
        if path in self.redirects:
            handler.send_response(302)
            handler.send_header("Location", self.redirects[path])
            for name, value in self.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if self.statuses:
            handler.send_response(self.statuses.pop(0))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        start = self._start(handler)
        if start is not None and start >= len(self.content):
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        self._send(handler, start)

    def _start(self, handler: BaseHTTPRequestHandler) -> int | None:
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        if not self.ranges or asked is None:
            return None
        if self.heeds_condition and condition not in (None, self.etag, self.modified):
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def _send(self, handler: BaseHTTPRequestHandler, start: int | None) -> None:
        body = self.content[start or 0 :]
        handler.send_response(200 if start is None else 206)
        headers: dict[str, Any] = {"Content-Type": "application/octet-stream", **self.headers}
        if start is not None:
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        if self.tells_length:
            headers["Content-Length"] = len(body)
        headers |= {"ETag": self.etag} if self.etag else {}
        headers |= {"Last-Modified": self.modified} if self.modified else {}
        for name, value in headers.items():
            handler.send_header(name, str(value))
        handler.end_headers()
        with contextlib.suppress(OSError):  # the client may have gone away
            handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)


@contextlib.contextmanager
def serving_hub(content: bytes) -> Iterator[Hub]:
    """Serve `content` under every path until the block ends."""
    hub = Hub(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="hub")
    thread.start()
    hub.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
