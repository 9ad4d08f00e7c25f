"""The paths of requests, as guards and whatever answers ahead of the routes judge them."""

from __future__ import annotations

from starlette.types import Scope

OURS = ("/sdapi/", "/internal/", "/sd_extra_networks/", "/api/", "/v1/")
"""How the paths of the API begin."""

KEPT_PICTURES = "/v1/images/files/"
"""Addresses that nobody can guess and only a user was told; whoever shows the picture asks without a name."""


def inner_path(scope: Scope) -> str:
    """The path of a request without what --subpath puts before all of them."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
