"""Words to token numbers, as the product has them, and what training does with rare words."""

from __future__ import annotations

import functools

from modules.text_encoders.tokenizer import END, START, VOCABULARY, ClipTokenizer

POSITIONS = 77
UNKNOWN = 49405
"""Stands for every token that no caption uses; export copies its learned vector to all of those."""


class Words:
    """Encodes pieces of text without start, end or padding, remembering them."""

    def __init__(self) -> None:
        self._tokenizer = ClipTokenizer()
        self.encode = functools.lru_cache(maxsize=65536)(self._encode)

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text))


__all__ = ["END", "POSITIONS", "START", "UNKNOWN", "VOCABULARY", "Words"]
