"""Pictures read from top to bottom, a few rows at a time: from memory, from a PNG file, from what makes them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np

from modules.foundation.errors import RequestError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.imaging.resize import with_colours
from modules.imaging.tiles import Pixels

if TYPE_CHECKING:
    from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Bytes of a pixel by PNG's colour type, at 8 bits a channel."""

_BLOCK = 1 << 16


class Rows(Protocol):
    """A picture that is asked for from top to bottom: `rows(top, bottom)` with a `top` that never goes back."""

    @property
    def width(self) -> int:
        """In pixels."""
        ...

    @property
    def height(self) -> int:
        """In pixels."""
        ...

    def rows(self, top: int, bottom: int) -> Pixels:
        """The rows from `top` up to `bottom`."""
        ...


class ArrayRows:
    """A picture that is in memory."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def rows(self, top: int, bottom: int) -> Pixels:
        """The rows from `top` up to `bottom`."""
        return self._pixels[top:bottom]


class StripRows:
    """A picture that comes in strips, of which no more is kept than is still asked for."""

    def __init__(self, strips: Iterable[Pixels], width: int, height: int) -> None:
        self.width, self.height = width, height
        self._strips = iter(strips)
        self._kept: list[Pixels] = []
        self._first, self._end = 0, 0

    def rows(self, top: int, bottom: int) -> Pixels:
        """The rows from `top` up to `bottom`. Raises ValueError for rows that are gone, or never come."""
        if top < self._first:
            raise ValueError(f"Row {top} was let go already; the first one kept is {self._first}.")
        while self._end < bottom:
            strip = next(self._strips, None)
            if strip is None:
                raise ValueError(f"The picture ends at row {self._end}, and {bottom} were asked for.")
            self._kept.append(strip)
            self._end += len(strip)
        while self._kept and self._first + len(self._kept[0]) <= top:
            self._first += len(self._kept.pop(0))
        whole = self._kept[0] if len(self._kept) == 1 else np.concatenate(self._kept)
        return whole[top - self._first : bottom - self._first]


def open_rows(path: Path, mode: str = "RGB") -> Rows:
    """The picture in a file, in Pillow's `mode`.

    PNG files with 8 bits a channel, not interlaced, are read row by row; others are unpacked as a whole. Raises
    RequestError for what is no picture.
    """
    from PIL import ImageOps

    try:
        png = PngFile(path)
    except ValueError:
        pass
    else:
        return StripRows(png.strips(mode), png.width, png.height)
    try:
        with open_picture(path) as image:
            upright = with_colours(ImageOps.exif_transpose(image)).convert(mode)
            return ArrayRows(np.asarray(upright).reshape(upright.height, upright.width, -1))
    except UNREADABLE as error:
        raise RequestError(f"{path} is no picture that can be read: {reason_of(error)}.") from error


def texts_of(path: Path) -> bytes | Path:
    """What `infotext.picture_metadata.read_picture_metadata` takes, without a large PNG being unpacked for it."""
    try:
        return PngFile(path).texts()
    except (ValueError, OSError):
        return path


def is_transparent(path: Path) -> bool:
    """Whether the picture in a file has an alpha channel, or a colour that stands for nothing."""
    with open_picture(path) as image:
        return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


class AlphaRows:
    """The alpha channel alone of a picture in mode RGBA."""

    def __init__(self, source: Rows) -> None:
        self._source = source
        self.width, self.height = source.width, source.height

    def rows(self, top: int, bottom: int) -> Pixels:
        """The rows from `top` up to `bottom`, in one channel."""
        return self._source.rows(top, bottom)[:, :, 3:]


class PngFile:
    """A PNG file whose rows are unpacked one band after another. Raises ValueError for one that cannot be read so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _Chunks(path) as chunks:
            kind, header = chunks.next()
            if kind != b"IHDR" or len(header) != 13:
                raise ValueError("it has no header")
        self.width, self.height, depth, self._colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
        if depth != 8 or interlace or self._colour not in _CHANNELS:
            raise ValueError("its rows cannot be read one by one")
        self._header = header

    def texts(self) -> bytes:
        """A PNG file of one pixel with the texts of this one, for reading those."""
        kept = [chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
        with _Chunks(self._path) as chunks:
            while (found := chunks.next())[0]:
                if found[0] in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
                    kept.append(chunk(*found))
        return PNG_SIGNATURE + b"".join((*kept, chunk(b"IDAT", zlib.compress(b"\0\0")), chunk(b"IEND", b"")))

    def strips(self, mode: str, height: int = 64) -> Iterator[Pixels]:
        """The picture in strips of `height` rows, converted to Pillow's `mode`.

        Each band of packed rows is made a small PNG file of its own, with the row above as its first one, because
        rows are stored as differences to their neighbours; Pillow then unpacks it. Raises RequestError for a file that
        breaks off.
        """
        from PIL import Image

        line = self.width * _CHANNELS[self._colour]
        above = bytes(line)
        with _Chunks(self._path) as chunks:
            palette = chunks.until_data()
            packed = _Unpacked(chunks)
            for top in range(0, self.height, height):
                count = min(height, self.height - top)
                rows = packed.read(count * (line + 1))
                if len(rows) < count * (line + 1):
                    raise RequestError(f"{self._path} breaks off after {top} of {self.height} rows.")
                with Image.open(io.BytesIO(self._small_file(palette, above, rows, count + 1))) as band:
                    pixels = np.asarray(band)
                    above = pixels[-1].tobytes()
                    converted = np.asarray(band.convert(mode))
                yield converted[1:].reshape(count, self.width, -1)

    def _small_file(self, palette: bytes, above: bytes, rows: bytes, count: int) -> bytes:
        header = struct.pack(">II", self.width, count) + self._header[8:]
        data = zlib.compress(b"\0" + above + rows, 0)
        parts = (chunk(b"IHDR", header), palette, chunk(b"IDAT", data), chunk(b"IEND", b""))
        return PNG_SIGNATURE + b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class _Chunks:
    """The chunks of a PNG file, one after another."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("rb")
        self._left = 0
        try:
            if self._file.read(8) != PNG_SIGNATURE:
                raise ValueError("it is no PNG")
        except BaseException:
            self._file.close()
            raise

    def next(self) -> tuple[bytes, bytes]:
        """Kind and content of the next chunk, of data a piece at a time. An empty kind at the end of the file."""
        if self._left:
            return b"IDAT", self._piece()
        head = self._file.read(8)
        if len(head) < 8:
            return b"", b""
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT" and length:
            self._left = length
            return kind, self._piece()
        content = self._file.read(length)
        self._file.read(4)
        return kind, content

    def _piece(self) -> bytes:
        content = self._file.read(min(self._left, _BLOCK))
        self._left = self._left - len(content) if content else 0
        if not self._left:
            self._file.read(4)
        return content

    def until_data(self) -> bytes:
        """Skip to the picture's data; what of the chunks before it decides the colours."""
        kept = b""
        while True:
            at = self._file.tell()
            kind, content = self.next()
            if kind in (b"IDAT", b""):
                self._file.seek(at)
                self._left = 0
                return kept
            if kind in (b"PLTE", b"tRNS"):
                kept += chunk(kind, content)

    def __enter__(self) -> _Chunks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class _Unpacked:
    """The bytes that a PNG file's data unpack to."""

    def __init__(self, chunks: _Chunks) -> None:
        self._chunks, self._zlib = chunks, zlib.decompressobj()
        self._packed = b""

    def read(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end of the picture or of what can be read of it."""
        parts: list[bytes] = []
        while count > 0:
            if not self._packed:
                kind, self._packed = self._chunks.next()
                if kind != b"IDAT":
                    break
            try:
                part = self._zlib.decompress(self._packed, min(count, _BLOCK))
            except zlib.error:
                break
            self._packed = self._zlib.unconsumed_tail
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def resized_rows(source: Rows, size: tuple[int, int], strip: int = 64) -> Iterator[Pixels]:
    """`source` at `size` (width, height), by Lanczos as Pillow does it, in strips of `strip` rows."""
    from PIL import Image

    width, height = size
    if (source.width, source.height) == size:
        for top in range(0, height, strip):
            yield source.rows(top, min(top + strip, height))
        return
    factor = source.height / height
    reach = 3 * max(factor, 1.0) + 1
    for top in range(0, height, strip):
        bottom = min(top + strip, height)
        first = max(int(top * factor - reach), 0)
        last = min(int(bottom * factor + reach) + 1, source.height)
        band = source.rows(first, last)
        box = (0, top * factor - first, source.width, bottom * factor - first)
        resized = _picture(band).resize((width, bottom - top), Image.Resampling.LANCZOS, box=box)
        yield np.asarray(resized).reshape(bottom - top, width, -1)


def _picture(pixels: Pixels) -> Image.Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
