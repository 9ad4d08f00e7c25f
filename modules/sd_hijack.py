"""Doorway: `modules.sd_hijack`."""

from __future__ import annotations

from modules.a1111.text_view import Embedding, EmbeddingDatabase, model_hijack
from modules.a1111.text_view import ModelHijack as StableDiffusionModelHijack

__all__ = [
    "Embedding",
    "EmbeddingDatabase",
    "StableDiffusionModelHijack",
    "model_hijack",
]
