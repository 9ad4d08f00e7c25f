"""Doorway: `modules.generation_parameters_copypaste`, the former name of `modules.infotext_utils`."""

from __future__ import annotations

from modules import infotext_utils


def __getattr__(name: str) -> object:
    return getattr(infotext_utils, name)
