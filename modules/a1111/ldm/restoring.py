"""Undoing what extensions have changed in networks, once they are unloaded."""

from __future__ import annotations

import sys

from modules.foundation.plain import JsonObject


def restore_networks(extras: JsonObject) -> None:
    """Let the networks compute by themselves again; `extras` are those of the dialect that is removed."""
    for view in tuple(extras.pop("network views", ())):
        view.restore()
    extras.pop("models", None)
    blocks = sys.modules.get("modules.a1111.ldm.blocks")
    if blocks is not None:
        vars(blocks.th).clear()
