"""The model file of SentencePiece (Kudo, Richardson 2018): its pieces with their scores, and how it normalises text.

The file is a message of protocol buffers, of which only these fields are read; nothing is executed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST = 64 * 1024 * 1024
"""Bytes of a file; that of XLM-R has five million."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PIECES, _NORMALIZER = 1, 3
_TEXT, _SCORE = 1, 2
_CHARACTER_MAP = 2


@dataclass(frozen=True, kw_only=True)
class SentencePieceModel:
    """The pieces in the order of their numbers, each with its score, and the compiled map of characters."""

    pieces: tuple[tuple[str, float], ...]
    character_map: bytes = b""


def read_sentencepiece(data: bytes) -> SentencePieceModel:
    """What a model file says. Raises ValueError for data that is no such file."""
    if len(data) > LARGEST:
        raise ValueError("it is larger than any tokenizer")
    pieces: list[tuple[str, float]] = []
    characters = b""
    for number, value in _fields(data):
        if number == _PIECES and isinstance(value, bytes):
            pieces.append(_piece(value))
        elif number == _NORMALIZER and isinstance(value, bytes):
            found = (each for field, each in _fields(value) if field == _CHARACTER_MAP and isinstance(each, bytes))
            characters = next(found, b"")
    if not pieces:
        raise ValueError("it holds no pieces of words")
    return SentencePieceModel(pieces=tuple(pieces), character_map=characters)


def _piece(data: bytes) -> tuple[str, float]:
    text, score = "", 0.0
    for number, value in _fields(data):
        if number == _TEXT and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif number == _SCORE and isinstance(value, float):
            score = value
    return text, score


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int | float]]:
    """The fields of a message: number and value. Raises ValueError where the bytes are no message."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        length = 8 if kind == _FIXED64 else 4
        if kind == _BYTES:
            length, position = _varint(data, position)
        elif kind not in (_FIXED64, _FIXED32):
            raise ValueError("it is damaged")
        end = position + length
        if end > len(data):
            raise ValueError("it is cut off")
        part, position = data[position:end], end
        yield number, struct.unpack("<f", part)[0] if kind == _FIXED32 else part


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value, shift = 0, 0
    while shift < 64:
        if position >= len(data):
            raise ValueError("it is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("it is damaged")
