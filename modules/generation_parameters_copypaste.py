"""Doorway: `modules.generation_parameters_copypaste`, the former name of `modules.infotext_utils`."""

from __future__ import annotations

from typing import Any

from modules import infotext_utils


def __getattr__(name: str) -> Any:
    return getattr(infotext_utils, name)
