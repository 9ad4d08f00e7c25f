"""The password check: HTTP Basic in front of the page and the API, where flags name users."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from modules.api.guards.login_throttle import LONGEST_WAIT, LoginThrottle
from modules.api.guards.paths import KEPT_PICTURES, OURS, inner_path
from modules.api.json_answer import send_json
from modules.application.access_policy import AccessPolicy, Users

API_PATHS = (*OURS, "/docs", "/openapi.json", "/metrics", "/file=", "/file/")
PAGES_OWN = ("/internal/progress", "/internal/pending-tasks", "/internal/ping", "/file=", "/file/")
"""Routes that the page itself asks; where only the API has users, the page, if it is served, must still work."""


class RequireUser:
    """Answers 401 to requests without the name and password of a user.

    Users of the page may use the API too: the page could do the same for them. Where only --gradio-auth is given, its
    users are asked for by the API as well, since an open API behind a closed page would be no lock at all.
    """

    def __init__(self, app: ASGIApp, policy: AccessPolicy, *, page: bool = True) -> None:
        self.app = app
        self.policy = policy
        self._throttle = LoginThrottle()
        self._pages_own = PAGES_OWN if page else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or ask for a user."""
        if scope["type"] != "http" or not (groups := self._required_users(scope)):
            await self.app(scope, receive, send)
            return
        openai = inner_path(scope).startswith("/v1/")
        header, address = Headers(scope=scope).get("authorization", ""), (scope.get("client") or ("",))[0]
        user_password = credentials(header)
        if user_password is None:
            await _ask(send, openai)
            return
        wait = self._throttle.wait_for(address, header)
        if wait is None:
            await _slow_down(send, openai)
            return
        if wait:
            await asyncio.sleep(wait)
        # Every group is asked, so that the time taken does not tell which one knows the name.
        admitted = [users.admit(*user_password) for users in groups]
        if any(admitted):
            self._throttle.right(header)
            await self.app(scope, receive, send)
        else:
            self._throttle.wrong(address, header)
            await _ask(send, openai)

    def _required_users(self, scope: Scope) -> list[Users]:
        """The users who may pass; none where no login is needed."""
        path = inner_path(scope)
        if path.startswith(KEPT_PICTURES):
            return []
        page, api = self.policy.page_users, self.policy.api_users
        if path.startswith(API_PATHS) and not (path.startswith(self._pages_own) and not page):
            return [users for users in (page, api) if users]
        return [page] if page else []


def credentials(header: str) -> tuple[str, str] | None:
    """Name and password in an Authorization header of the kind Basic (RFC 7617), or None.

    Clients of OpenAI's API can only send a key, as Bearer (RFC 6750); theirs is "name:password".
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.casefold() == "bearer":
        text = encoded.strip()
    elif scheme.casefold() == "basic":
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return None
    else:
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


async def _slow_down(send: Send, openai: bool) -> None:
    detail = "Too many wrong passwords came from this address. Try again in a while."
    answer: dict[str, object] = {"error": "TooManyRequests", "detail": detail, "body": "", "errors": ""}
    if openai:
        answer = {
            "error": {"message": detail, "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
        }
    await send_json(send, 429, json.dumps(answer).encode(), (b"retry-after", str(int(LONGEST_WAIT)).encode()))


async def _ask(send: Send, openai: bool) -> None:
    detail = "Name and password are needed. Send them by HTTP Basic."
    answer: dict[str, object] = {"error": "Unauthorized", "detail": detail, "body": "", "errors": ""}
    if openai:
        detail = "Name and password are needed. Give name:password as the API key."
        error = {"message": detail, "type": "authentication_error", "param": None, "code": "invalid_api_key"}
        answer = {"error": error}
    body = json.dumps(answer).encode()
    await send_json(send, 401, body, (b"www-authenticate", b'Basic realm="Easel", charset="UTF-8"'))
