"""Doorway: `modules.sd_hijack`."""

from __future__ import annotations

from typing import Any

from modules.a1111.current import current
from modules.a1111.text_view import Embedding, EmbeddingDatabase, model_hijack
from modules.a1111.text_view import ModelHijack as StableDiffusionModelHijack

__all__ = [
    "Embedding",
    "EmbeddingDatabase",
    "StableDiffusionModelHijack",
    "model_hijack",
]


def __getattr__(name: str) -> Any:
    if name == "optimizers":
        return current().extras["list_optimizers"]
    raise AttributeError(f"modules.sd_hijack has no {name!r}.")
