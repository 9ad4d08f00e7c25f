"""Doorway: `modules.sd_hijack_unet`; `th.cat` may be replaced for the UNet alone."""

from __future__ import annotations

from typing import Any

from modules.a1111.stand_ins import stand_in


def __getattr__(name: str) -> Any:
    if name == "th":
        from modules.a1111.ldm.blocks import th

        return th
    if name.startswith("__"):
        raise AttributeError(name)
    return stand_in(__name__, name)
