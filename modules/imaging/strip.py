"""Picture files without what they say about themselves: texts, EXIF, XMP. Pixels and colour profile stay as they are.

PNG, JPEG and WebP are taken apart and put together again without those parts; other formats become a PNG.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from modules.foundation.errors import EaselError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.stealth_text import hidden_text, without_hidden_bits
from modules.imaging.encode import encode

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})
WEBP_TEXTS = frozenset({b"EXIF", b"XMP "})
WEBP_FLAGS = 0b00001100
"""Bits of the first byte of VP8X that say that there are EXIF and XMP."""


def without_metadata(data: bytes, suffix: str) -> tuple[bytes, str]:
    """The file without metadata, and its suffix (".png", ...), which is another one where the format had to change.

    Raises EaselError for what is no picture.
    """
    try:
        if data.startswith(PNG_SIGNATURE):
            return _png_without_hidden_text(b"".join(_png_chunks(data))), suffix
        if data.startswith(b"\xff\xd8"):
            return b"".join(_jpeg_segments(data)), suffix
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data), suffix
        with open_picture(data) as picture:
            picture.load()
            return encode(picture, "png"), ".png"
    except UNREADABLE as error:
        raise EaselError(f"The file cannot be read as a picture ({reason_of(error)}).") from error


def _png_chunks(data: bytes) -> Iterator[bytes]:
    yield PNG_SIGNATURE
    place = len(PNG_SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        if data[place + 4 : place + 8] not in PNG_TEXTS:
            yield data[place : place + 12 + length]
        place += 12 + length


def _png_without_hidden_text(data: bytes) -> bytes:
    with open_picture(data) as picture:
        if hidden_text(picture) is None:
            return data
        return encode(without_hidden_bits(picture), "png")


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    """The segments but for comments, EXIF and XMP (APP1) and Photoshop's (APP13)."""
    yield data[:2]
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        if kind == 0xDA:  # the pixels, up to the end
            break
        (length,) = struct.unpack_from(">H", data, place + 2)
        if kind not in (0xE1, 0xED, 0xFE):
            yield data[place : place + 2 + length]
        place += 2 + length
    yield data[place:]


def _webp(data: bytes) -> bytes:
    kept = b""
    place = 12
    while place + 8 <= len(data):
        kind = data[place : place + 4]
        (length,) = struct.unpack_from("<I", data, place + 4)
        chunk = data[place : place + 8 + length + length % 2]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~WEBP_FLAGS]) + chunk[9:]
        if kind not in WEBP_TEXTS:
            kept += chunk
        place += 8 + length + length % 2
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + kept
