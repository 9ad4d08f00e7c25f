"""Addresses with duplicate slashes reach the route that they would without them."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.api.guards.paths import OURS, inner_path

_SLASHES = re.compile(r"/{2,}")


class DuplicateSlashes:
    """Takes surplus slashes out of the paths of the API.

    Has to be asked before any guard that judges by path, so that guards and routes see the same path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its tidy path."""
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            inner = _SLASHES.sub("/", inner_path(scope))
            if inner.startswith(OURS):
                tidy = root + inner.rstrip("/")
                if tidy != scope["path"]:
                    scope = {**scope, "path": tidy, "raw_path": tidy.encode()}
        await self.app(scope, receive, send)
