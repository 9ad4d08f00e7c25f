"""Which web pages may use this Easel from a user's browser: our own, and those that a flag names."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.api.guards.hosts import MOST_LOGGED, OwnNames, split_authority
from modules.api.guards.paths import KEPT_PICTURES, inner_path
from modules.api.json_answer import send_json
from modules.foundation.errors import MAX_SHOWN, StartupError

log = logging.getLogger(__name__)

HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})

ELSEWHERE = frozenset({"cross-site", "same-site"})
"""What browsers say in Sec-Fetch-Site of requests for pages of other origins; "same-site" is another port or name."""


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
    """Answers 403 where a page of another origin makes a browser do something here, or load something from here.

    CORS alone keeps such a page from reading an answer, not from sending a request: any page that is open in the
    browser could start jobs, upload files or show pictures of an Easel on the same machine. It holds for every path,
    Gradio's own among them. Links that lead here are followed, and programs, which send none of a browser's headers,
    are not affected.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: OwnNames,
        allowed: Sequence[str] = (),
        pattern: re.Pattern[str] | None = None,
    ) -> None:
        self.app = app
        self.names = names
        self.allowed = frozenset(allowed)
        self.pattern = pattern
        self._headers = _for_browsers(self.allowed, pattern)
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and (origin := self._foreign(scope)) is not None:
            self._log(scope, origin[:MAX_SHOWN])
            await _refuse(send, origin)
            return
        if scope["type"] != "http" or not self._headers or inner_path(scope).startswith(KEPT_PICTURES):
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await self.app(scope, receive, with_headers)

    def _log(self, scope: Scope, origin: str) -> None:
        """Tell of the first request of each origin: a page can send thousands, with paths of any length."""
        if origin not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(origin)
            log.warning("Refused %s %r to a page of %s", scope["method"], scope["path"][:MAX_SHOWN], origin)

    def _foreign(self, scope: Scope) -> str | None:
        """The foreign origin of whose page a request comes; None where it may pass."""
        headers = Headers(scope=scope)
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if scope["method"] in HARMLESS:
            # Reading is left to the browser, except where it tells that a page elsewhere shows or frames what is here.
            if site not in ELSEWHERE or _is_visit(headers) or inner_path(scope).startswith(KEPT_PICTURES):
                return None
        elif origin is None and site in ("same-origin", "none"):
            return None
        source = origin or _origin_of(headers.get("referer", ""))
        if source is None:
            return "another site" if site in ELSEWHERE and "*" not in self.allowed else None
        return None if self._may(source, headers) else source

    def _may(self, origin: str, headers: Headers) -> bool:
        if "*" in self.allowed or origin.rstrip("/") in self.allowed:
            return True
        if self.pattern is not None and self.pattern.fullmatch(origin):
            return True
        place = _place(origin)
        if place is None:
            return False
        # A proxy in front tells the name that the browser used; `CheckHost` has seen that it is one of ours.
        hosts = [headers.get("host", ""), *headers.get("x-forwarded-host", "").split(",")]
        return place in {_without_usual_port(each) for each in hosts if each} or self.names.declares(place[0])


def _for_browsers(allowed: frozenset[str], pattern: re.Pattern[str] | None) -> list[tuple[bytes, bytes]]:
    """What browsers are told of every answer: which pages may show it and which may frame it.

    They say nothing of the page that asks (no Sec-Fetch-Site) to an address of the network that is not served by
    https, and a page can have them leave out where it is (no Referer); these they heed all the same.
    """
    if pattern is not None or "*" in allowed:
        return []
    shown = b"cross-origin" if allowed else b"same-origin"
    framed = " ".join(("frame-ancestors 'self'", *sorted(allowed)))
    return [(b"cross-origin-resource-policy", shown), (b"content-security-policy", framed.encode("latin-1", "replace"))]


def _is_visit(headers: Headers) -> bool:
    """Whether the request is a navigation to here in a top-level window."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"


def _origin_of(address: str) -> str | None:
    """The origin of a page's address; None where there is none."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}" if separator else None


def _place(origin: str) -> tuple[str, int | None] | None:
    """Name and port of a web page's origin, None where it is of no such page ("null", an extension)."""
    scheme, _, authority = origin.partition("://")
    return _without_usual_port(authority) if scheme in ("http", "https") else None


def _without_usual_port(authority: str) -> tuple[str, int | None] | None:
    """Name and port, None for that of http or https: a proxy may have changed from one to the other."""
    part = split_authority(authority)
    return part if part is None or part[1] not in (80, 443) else (part[0], None)


async def _refuse(send: Send, origin: str) -> None:
    detail = f"Pages of {origin} may not use this Easel. Start it with --cors-allow-origins={origin} to allow it."
    body = json.dumps({"error": "ForeignOrigin", "detail": detail, "body": "", "errors": ""}).encode()
    await send_json(send, 403, body)
