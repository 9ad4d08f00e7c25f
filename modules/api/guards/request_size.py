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
        headers = Headers(scope=scope)
        stated = headers.get("content-length", "")
        if stated.isascii() and stated.isdigit() and int(stated) > self.megabytes * MEGABYTE:
            await _refuse(send, 413, self._why)
            return
        is_form = headers.get("content-type", "").lower().startswith("multipart/")
        begun = False

        async def begin(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, self._measured(receive, None if is_form else JsonMeter()), begin)
        except HTTPException as error:
            # Raised below, where something ahead of the routes was reading.
            if begun:
                raise
            await _refuse(send, error.status_code, str(error.detail))

    def _measured(self, receive: Receive, meter: JsonMeter | None) -> Receive:
        """`receive`, which raises HTTPException as soon as the body is too much."""
        read = 0

        async def measured() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.megabytes * MEGABYTE:
                raise HTTPException(413, self._why)
            if meter is not None:
                meter.add(message.get("body", b""))
                if (why := meter.excess) is not None:
                    raise HTTPException(413, why)
                if (why := meter.too_deep) is not None:
                    raise HTTPException(422, why)
            return message

        return measured

    @property
    def _why(self) -> str:
        return (
            f"The request is larger than {self.megabytes} MB. Send less at once, or start with more --max-request-mb."
        )


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"error": "HTTPException", "detail": why, "body": "", "errors": ""}).encode()
    # The rest of the body is not read, so the connection cannot be used again.
    await send_json(send, status, body, (b"connection", b"close"))
