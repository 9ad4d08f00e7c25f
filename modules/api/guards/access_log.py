"""The access log of --api-log: one line of JSON for each request to the API."""

from __future__ import annotations

import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.api.guards.paths import OURS, inner_path

log = logging.getLogger("easel.access")


class AccessLog:
    """Logs who asked for what, how it was answered, how long it took and how much was sent.

    Everything that comes from outside is inside JSON texts, so no request can forge a line. Query strings and bodies
    are not logged: they may hold private data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Who asks for this log wants it, however quiet the rest is to be.
        log.setLevel(logging.INFO)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log when its answer is complete, or was given up (status null)."""
        if scope["type"] != "http" or not inner_path(scope).startswith(OURS):
            await self.app(scope, receive, send)
            return
        started, status, size = time.perf_counter(), None, 0

        async def counting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counting)
        finally:
            client = scope.get("client")
            entry = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "client": client[0] if client else None,
                "method": scope["method"],
                "path": inner_path(scope),
                "protocol": f"HTTP/{scope.get('http_version', '?')}",
                "status": status,
                "bytes": size,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }
            log.info("%s", json.dumps(entry))
