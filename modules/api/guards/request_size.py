"""How much of a request is read at most, in bytes and in values."""

from __future__ import annotations

import json

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.api.guards.json_values import JsonMeter
from modules.api.json_answer import send_json

MEGABYTE = 1024 * 1024


class LimitRequests:
    """Answers 413 to a request whose body is larger than `megabytes`, or JSON that is too much work, unread."""

    def __init__(self, app: ASGIApp, megabytes: int) -> None:
        self.app = app
        self.megabytes = megabytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it: at once if it says how long it is, else as soon as it is too long."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most, read = self.megabytes * MEGABYTE, 0
        headers = Headers(scope=scope)
        meter = None if headers.get("content-type", "").lower().startswith("multipart/") else JsonMeter()
        stated = headers.get("content-length", "")
        if stated.isascii() and stated.isdigit() and int(stated) > most:
            await self._refuse(send)
            return

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, self._why)
            if meter is not None:
                meter.add(message.get("body", b""))
                if (why := meter.excess) is not None:
                    raise HTTPException(413, why)
            return message

        await self.app(scope, counted, send)

    @property
    def _why(self) -> str:
        return (
            f"The request is larger than {self.megabytes} MB. Send less at once, or start with more --max-request-mb."
        )

    async def _refuse(self, send: Send) -> None:
        body = json.dumps({"error": "HTTPException", "detail": self._why, "body": "", "errors": ""}).encode()
        # The rest of the body is not read, so the connection cannot be used again.
        await send_json(send, 413, body, (b"connection", b"close"))
