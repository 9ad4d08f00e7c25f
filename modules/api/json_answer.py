"""An answer of JSON as ASGI's messages, for what answers ahead of the routes."""

from __future__ import annotations

from starlette.types import Send


async def send_json(send: Send, status: int, content: bytes, *headers: tuple[bytes, bytes]) -> None:
    """Send `content`, which is JSON already, as the whole answer."""
    length = (b"content-length", str(len(content)).encode())
    start = {"status": status, "headers": [(b"content-type", b"application/json"), length, *headers]}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": content})
