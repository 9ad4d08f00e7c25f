"""Doorway: `modules.textual_inversion`."""

from __future__ import annotations

import importlib
from typing import Any

PARTS = ("autocrop", "dataset", "image_embedding", "learn_schedule", "preprocess", "textual_inversion", "ui")
"""Its modules, which extensions take from it without importing them: the original's are all imported at its start."""


def __getattr__(name: str) -> Any:
    if name not in PARTS:
        raise AttributeError(f"modules.textual_inversion has no {name!r}.")
    return importlib.import_module(f"modules.textual_inversion.{name}")
