"""The paths of requests, as guards and whatever answers ahead of the routes judge them."""

from __future__ import annotations

from starlette.types import Scope

OURS = ("/sdapi/", "/internal/", "/sd_extra_networks/", "/api/", "/v1/")
"""How the paths of the API begin."""

KEPT_PICTURES = "/v1/images/files/"
"""Addresses that cannot be guessed and only a user was told; showing the picture needs no login."""


def inner_path(scope: Scope) -> str:
    """The path of a request without what --subpath puts before all of them."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
