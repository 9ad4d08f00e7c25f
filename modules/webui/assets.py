"""The page's own style sheet and scripts, and their tags in the document.

Gradio adds what it is given as `head` only after it has drawn the page, too late for scripts that wait for the
document; so the tags are written into the HTML as it leaves the server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC_FOLDER = Path(__file__).parent / "static"
STATIC_URL = "easel/static"

STYLE_SHEETS = (
    *(
        "frame.css",
        "panel.css",
        "second_pass.css",
        "dialogs.css",
        "canvas.css",
        "results.css",
        "viewer.css",
        "queue.css",
    ),
    *("history.css", "settings.css", "extras.css", "models.css", "narrow.css"),
)
"""In this order: later ones change what earlier ones say."""

MANIFEST_LINK = b'<link rel="manifest" href="/manifest.json" />'
"""Gradio's link to what it does not serve unless asked to, and not below a path."""


class RevalidatedFiles(StaticFiles):
    """Static files that a browser asks about each time, so that an update of the program shows at once."""

    def file_response(self, *arguments: Any, **more: object) -> Response:
        """The file with `Cache-Control: no-cache`: kept by the browser, used once the server says it is unchanged."""
        response = super().file_response(*arguments, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response


def head_tags(options: Mapping[str, object], rules: str, theme: str | None, guests: str = "") -> str:
    """The tags for the end of `<head>`.

    `options` is what the scripts want to know, `theme` "light", "dark" or None, `guests` the tags of others.
    """
    # "</" inside a script element would end it.
    values = json.dumps({**options, "theme": theme}).replace("</", "<\\/")
    return (
        f"<script>window.easelOptions = {values};</script>"
        f'<script src="{STATIC_URL}/early.js"></script>'
        + "".join(f'<link rel="stylesheet" href="{STATIC_URL}/{name}">' for name in STYLE_SHEETS)
        + f"<style>{rules}</style>{guests}"
        f'<script type="module" src="{STATIC_URL}/main.js"></script>'
    )


class HeadTags:
    """ASGI middleware that puts `tags()` at the end of the head of the page at "/"."""

    def __init__(self, app: ASGIApp, tags: Callable[[], str]) -> None:
        self.app, self.tags = app, tags

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand everything on; hold the document back until it is complete, then send it with the tags."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_page(scope):
            await self.app(scope, receive, send)
            return
        # The document must come whole and readable: neither compressed nor as "304 Not Modified".
        refused = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in refused]}
        start: Message | None = None
        body = b""

        async def hold(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(start, body, send)

        await self.app(scope, receive, hold)

    async def _finish(self, start: Message, body: bytes, send: Send) -> None:
        if Headers(raw=start["headers"]).get("content-type", "").startswith("text/html"):
            body = body.replace(MANIFEST_LINK, b"").replace(b"</head>", self.tags().encode() + b"</head>", 1)
            headers = MutableHeaders(raw=list(start["headers"]))
            headers["content-length"] = str(len(body))
            headers["cache-control"] = "no-cache"
            start = {**start, "headers": headers.raw}
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _is_page(scope: Scope) -> bool:
    root: str = scope.get("root_path", "")
    return scope["path"].removeprefix(root) in ("", "/")
