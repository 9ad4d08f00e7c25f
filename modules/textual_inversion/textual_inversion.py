"""Doorway: `modules.textual_inversion.textual_inversion`."""

from __future__ import annotations

from modules.a1111.text_view import Embedding, EmbeddingDatabase

__all__ = [
    "Embedding",
    "EmbeddingDatabase",
]
