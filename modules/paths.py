"""Doorway: `modules.paths`, where things lie."""

from __future__ import annotations

from typing import Any

from modules.a1111.places import Prioritize, normalized_filepath, place

__all__ = ["Prioritize", "normalized_filepath"]


def __getattr__(name: str) -> Any:
    if name == "paths":
        return {}
    return place(name)
