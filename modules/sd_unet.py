"""Doorway: `modules.sd_unet`; other programs for the UNet, which can be listed here but do not take its place."""

from __future__ import annotations

from typing import Any

from modules.a1111.alternatives import SdUnet, SdUnetOption
from modules.a1111.current import current

__all__ = ["SdUnet", "SdUnetOption", "current_unet"]

current_unet = None


def __getattr__(name: str) -> Any:
    if name == "unet_options":
        return current().extras["list_unets"]
    raise AttributeError(f"modules.sd_unet has no {name!r}.")
