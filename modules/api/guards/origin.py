"""Which web pages may use the API from somebody's browser: our own, and those that a flag names."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from modules.api.guards.paths import OURS, inner_path
from modules.api.json_answer import send_json
from modules.foundation.errors import StartupError

log = logging.getLogger(__name__)

HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


def allowed_origins(flag: str | None) -> tuple[str, ...]:
    """The origins that --cors-allow-origins lists, without trailing slashes."""
    return tuple(origin.strip().rstrip("/") for origin in (flag or "").split(",") if origin.strip())


def origin_pattern(flag: str | None) -> re.Pattern[str] | None:
    """The expression of --cors-allow-origins-regex. Raises StartupError for one that is none."""
    try:
        return re.compile(flag) if flag else None
    except re.error as error:
        raise StartupError(f"--cors-allow-origins-regex {flag!r} is no regular expression: {error}.") from error


class RefuseForeignOrigins:
    """Answers 403 where a page of another origin makes a browser change something through our routes.

    CORS alone keeps such a page from reading the answer, not from sending the request: any page that is open in the
    browser could start jobs or change settings of an Easel on the same machine. Programs that are no browsers send no
    Origin and are not affected.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str] = (), pattern: re.Pattern[str] | None = None) -> None:
        self.app = app
        self.allowed = frozenset(allowed)
        self.pattern = pattern

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and scope["method"] not in HARMLESS and self._is_foreign(scope):
            origin = Headers(scope=scope).get("origin", "")
            log.warning("Refused %s %s to a page of %s", scope["method"], scope["path"], origin)
            await _refuse(send, origin)
            return
        await self.app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        path = inner_path(scope)
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or not path.startswith(OURS) or "*" in self.allowed or origin.rstrip("/") in self.allowed:
            return False
        if self.pattern is not None and self.pattern.fullmatch(origin):
            return False
        # A proxy in front tells the name that the browser used. A page cannot set that header across origins without
        # asking first, and asking is not granted.
        hosts = {headers.get("host", ""), headers.get("x-forwarded-host", "")}
        return urlsplit(origin).netloc not in hosts - {""}


async def _refuse(send: Send, origin: str) -> None:
    detail = f"Pages of {origin} may not use this Easel. Start it with --cors-allow-origins={origin} to allow it."
    body = json.dumps({"error": "ForeignOrigin", "detail": detail, "body": "", "errors": ""}).encode()
    await send_json(send, 403, body)
