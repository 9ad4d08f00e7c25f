"""PNG files written from top to bottom, so that a picture need never be in memory as a whole."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modules.foundation.atomic import atomic_write
from modules.foundation.errors import SaveError
from modules.imaging.encode import NO_TEXT, PictureText, png_texts
from modules.imaging.rows import PNG_SIGNATURE, chunk
from modules.imaging.save import save_error
from modules.imaging.tiles import Pixels

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's number for so many channels."""

_AT_ONCE = 1 << 18
"""Bytes of rows that are filtered together."""

_PIECE = 1 << 18
"""Bytes of a chunk of data, about."""


def write_png_rows(
    path: Path, size: tuple[int, int], strips: Iterable[Pixels], *, text: PictureText = NO_TEXT, level: int = 6
) -> None:
    """Write `strips` of rows, from top to bottom, as a PNG of `size` (width, height) with the chunks of `text`.

    The file appears when it is whole, and not at all when anything is raised meanwhile. Strips are rows x columns x
    1, 2, 3 or 4 channels of 8 bits. Raises SaveError naming the file where it cannot be written.
    """
    try:
        with atomic_write(path) as file:
            writer = _Writer(size, level)
            for strip in strips:
                if not writer.begun:
                    file.write(writer.head(strip.shape[2], text))
                file.writelines(writer.pieces(strip))
            file.writelines(writer.tail())
    except OSError as error:
        raise save_error(error, path.parent) from error


class _Writer:
    """The bytes of a PNG file, in order."""

    def __init__(self, size: tuple[int, int], level: int) -> None:
        self._width, self._height = size
        self._zlib = zlib.compressobj(level, zlib.DEFLATED, 15, 8, zlib.Z_FILTERED)
        self._waiting = bytearray()
        self._rows = 0
        self._above: NDArray[np.uint8] | None = None
        self._channels = 0

    @property
    def begun(self) -> bool:
        """Whether the head was made."""
        return self._channels > 0

    def head(self, channels: int, text: PictureText) -> bytes:
        """What comes before the pixels."""
        self._channels = channels
        header = struct.pack(">IIBBBBB", self._width, self._height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
        texts = (chunk(kind, data) for kind, data, *_ in png_texts(text.chunks).chunks)
        return PNG_SIGNATURE + chunk(b"IHDR", header) + b"".join(texts)

    def pieces(self, strip: Pixels) -> Iterable[bytes]:
        """The chunks that are full after these rows."""
        lines = strip.reshape(len(strip), -1)
        self._rows += len(lines)
        step = max(_AT_ONCE // max(lines.shape[1], 1), 1)
        for first in range(0, len(lines), step):
            part = lines[first : first + step]
            above = np.zeros(lines.shape[1], dtype=np.uint8) if self._above is None else self._above
            self._waiting += self._zlib.compress(_filtered(part, above, self._channels))
            self._above = part[-1].copy()
            if len(self._waiting) >= _PIECE:
                yield self._take()

    def tail(self) -> Iterable[bytes]:
        """What comes after the pixels. Raises SaveError when there were too few or too many of them."""
        if self._rows != self._height:
            raise SaveError(f"The picture has {self._rows} rows instead of {self._height}; nothing was saved.")
        self._waiting += self._zlib.flush()
        yield self._take()
        yield chunk(b"IEND", b"")

    def _take(self) -> bytes:
        data, self._waiting = bytes(self._waiting), bytearray()
        return chunk(b"IDAT", data)


def _filtered(lines: NDArray[np.uint8], above: NDArray[np.uint8], channels: int) -> bytes:
    """Each row as differences to its neighbours, in whichever of PNG's ways gives the smallest ones, after its number.

    (PNG specification, 12.8: the least sum of absolute differences.) Of the five ways, three are tried.
    """
    up = np.concatenate([above[None], lines[:-1]])
    left = np.pad(lines, ((0, 0), (channels, 0)))[:, : lines.shape[1]]
    upper_left = np.pad(up, ((0, 0), (channels, 0)))[:, : lines.shape[1]]
    ways = {1: lines - left, 2: lines - up, 4: lines - _paeth(left, up, upper_left)}
    costs = np.stack([np.abs(way.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for way in ways.values()])
    best = costs.argmin(axis=0)
    result = np.empty((len(lines), lines.shape[1] + 1), dtype=np.uint8)
    result[:, 0] = np.array(list(ways), dtype=np.uint8)[best]
    result[:, 1:] = np.choose(best[:, None], list(ways.values()))
    return result.tobytes()


def _paeth(left: NDArray[np.uint8], up: NDArray[np.uint8], upper_left: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The neighbour that is nearest to left + up - upper left (PNG specification, 9.4)."""
    a, b, c = left.astype(np.int16), up.astype(np.int16), upper_left.astype(np.int16)
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, upper_left))
