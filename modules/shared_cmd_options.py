"""Doorway: `modules.shared_cmd_options`."""

from __future__ import annotations

from typing import Any

from modules.a1111.current import current


def __getattr__(name: str) -> Any:
    if name in ("cmd_opts", "parser"):
        return getattr(current().shared, name)
    raise AttributeError(f"modules.shared_cmd_options has no {name!r}.")
