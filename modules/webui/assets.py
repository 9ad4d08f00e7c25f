"""The page's own style sheet and scripts, and their tags in the document.

Gradio adds what it is given as `head` only after it has drawn the page, too late for scripts that wait for the
document; so the tags are written into the HTML as it leaves the server.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.foundation.text_files import read_text
from modules.webui.static_files import version_of

log = logging.getLogger(__name__)

STATIC_FOLDER = Path(__file__).parent / "static"
STATIC_URL = "easel/static"
VERSIONS_URL = "easel/files"
"""The same files below a version, which a browser that has them never asks about."""

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
    *("history.css", "settings.css", "extras.css", "models.css", "cards.css", "narrow.css"),
)
"""In this order: later ones change what earlier ones say."""

PAGE_SHEET = "page.css"
"""All of them in one file."""

MANIFEST_LINK = b'<link rel="manifest" href="/manifest.json" />'
"""Gradio's link to what it does not serve unless asked to, and not below a path."""


def versioned_url() -> str:
    """Where the page's own files are as they are now."""
    return f"{VERSIONS_URL}/{version_of(STATIC_FOLDER)}"


def user_style(file: Path) -> str:
    """The tag with the user's own rules, from user.css in the data folder; "" where there is none."""
    try:
        # "</" would end the element; in CSS the backslash changes nothing.
        rules = read_text(file).replace("</", "<\\/")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s. The page goes without it.", file, error)
        return ""
    return f'<style id="user_css">{rules}</style>'


def head_tags(
    options: Mapping[str, object], rules: str, theme: str | None, *, guests: str = "", base: str = STATIC_URL
) -> str:
    """The tags for the end of `<head>`.

    `options` is what the scripts want to know, `theme` "light", "dark" or None, `guests` the tags of others, `base`
    where the page's own files are.
    """
    # "</" inside a script element would end it.
    values = json.dumps({**options, "theme": theme}).replace("</", "<\\/")
    early = (STATIC_FOLDER / "early.js").read_text(encoding="utf-8")
    return (
        f"<script>window.easelOptions = {values};</script>"
        f"<script>{early}</script>"
        f'<link rel="stylesheet" href="{base}/{PAGE_SHEET}">'
        f"<style>{rules}</style>{guests}"
        f'<script type="module" src="{base}/main.js"></script>'
    )


class HeadTags:
    """ASGI middleware that puts `first()` at the beginning and `tags()` at the end of the head of the page at "/"."""

    def __init__(self, app: ASGIApp, tags: Callable[[], str], first: Callable[[], str] = str) -> None:
        self.app, self.tags, self.first = app, tags, first
        self._one_at_a_time = asyncio.Lock()

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
            # Of hundreds who open the page at once one is served in each turn of the loop, and others in between.
            async with self._one_at_a_time:
                body = body.replace(MANIFEST_LINK, b"").replace(b"</head>", self.tags().encode() + b"</head>", 1)
                body = body.replace(b"<head>", b"<head>" + self.first().encode(), 1)
                await asyncio.sleep(0)
            headers = MutableHeaders(raw=list(start["headers"]))
            headers["content-length"] = str(len(body))
            headers["cache-control"] = "no-cache"
            start = {**start, "headers": headers.raw}
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _is_page(scope: Scope) -> bool:
    root: str = scope.get("root_path", "")
    return scope["path"].removeprefix(root) in ("", "/")
