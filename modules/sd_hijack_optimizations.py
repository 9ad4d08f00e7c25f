"""Doorway: `modules.sd_hijack_optimizations`."""

from __future__ import annotations

from modules.a1111.alternatives import SdOptimization
from modules.a1111.devices import get_available_vram

__all__ = ["SdOptimization", "get_available_vram", "get_xformers_flash_attention_op", "sub_quad_attention"]


def get_xformers_flash_attention_op(q: object, k: object, v: object) -> None:
    """None: attention chooses its kernel by itself."""


def sub_quad_attention(*_: object, **__: object) -> None:
    """Not here. Raises NotImplementedError."""
    raise NotImplementedError("Easel's attention is that of torch; there is no sub-quadratic one to call.")
