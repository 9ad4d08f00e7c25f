"""The one door by which pictures come in: from requests, uploads, folders, model files and downloads.

Pillow reads dozens of formats, some with the help of other programs (EPS starts Ghostscript) and some that hold
pictures in pictures. Here those are named that people keep pictures in, and one is measured before it is unpacked.
"""

from __future__ import annotations

import functools
import importlib
import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modules.foundation.avif import unpack_elsewhere

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Mapping[str, str] = {
    "PNG": "PIL.PngImagePlugin",
    "JPEG": "PIL.JpegImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "JXL": "pillow_jxl",
}
"""The formats that are read, and what reads them. JPEG XL needs a plug-in that not everybody has."""

NAMES = "PNG, JPEG, WebP, AVIF, GIF, TIFF or BMP"
"""For messages."""

MAX_FRAMES = 10_000
"""Pictures in one file; only the first is read, but some formats unpack their table of all."""

MODES = frozenset(
    {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"}
    | {"I;16", "I;16L", "I;16B", "I;16N"}
)
"""Pillow's names of what it can turn into red, green and blue."""

UNREADABLE = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError),
    *(MemoryError, EOFError, struct.error, zlib.error),
)
"""What Pillow raises for files that are no pictures, or damaged, here and when they are unpacked."""


def open_picture(source: Path | str | bytes | IO[bytes], most_pixels: int | None = None) -> Image.Image:
    """A picture of one of `FORMATS`, its size known and its pixels not yet unpacked.

    Raises one of `UNREADABLE`, with a reason for people, for what is none, has more than `most_pixels` or too many
    frames. Unpacking it may raise them as well.
    """
    from PIL import Image, UnidentifiedImageError

    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            # Of large pictures, and of damaged texts beside the pixels; the limits here and the pixels decide.
            warnings.simplefilter("ignore")
            picture = Image.open(file, formats=_readable())
    except UnidentifiedImageError as error:
        raise ValueError(f"it is no {NAMES} file") from error
    except Image.DecompressionBombError as error:
        raise ValueError("it has more pixels than can be read at once") from error
    try:
        if most_pixels is not None and picture.width * picture.height > most_pixels:
            raise ValueError(f"it has {picture.width}x{picture.height} pixels, more than {most_pixels:,}")
        if picture.mode not in MODES:
            raise ValueError(f"its colours are stored as {picture.mode}, and must be red, green and blue or grey")
        if picture.format in ("PNG", "WEBP", "AVIF") and getattr(picture, "n_frames", 1) > MAX_FRAMES:
            raise ValueError(f"it is animated and has more than {MAX_FRAMES:,} frames")
    except UNREADABLE:
        picture.close()
        raise
    return picture


def unpack(picture: Image.Image) -> Image.Image:
    """`picture` with its pixels in memory, as a plain picture where Pillow would keep the decoder beside them.

    That of WebP takes twice the memory of the pixels, for as long as the picture lives.
    """
    picture.load()
    if picture.format != "WEBP":
        return picture
    plain = picture.copy()
    plain.format = picture.format
    return plain


@functools.cache
def _readable() -> tuple[str, ...]:
    """Those of the formats that this Pillow can read. Only their own plug-ins are imported."""
    from PIL import Image

    for plugin in FORMATS.values():
        try:
            importlib.import_module(plugin)
        except ImportError:
            continue
    unpack_elsewhere()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def forbid_ghostscript() -> None:
    """See that no EPS file opened anywhere in this process starts Ghostscript.

    The page's own library opens what is dropped on it with every reader that Pillow has.
    """
    from PIL import EpsImagePlugin

    EpsImagePlugin.gs_binary = False
