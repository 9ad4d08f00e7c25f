"""Pictures as the bytes of a file: PNG, JPEG, WebP, AVIF and what else Pillow can write, with their texts inside."""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modules.foundation.child_python import child_python
from modules.foundation.errors import SaveError
from modules.foundation.stealth_text import HiddenForm, hide_text
from modules.foundation.text_files import behind_latin1
from modules.imaging.depth import eight_bits

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

CARRIES_EXIF = frozenset({"JPEG", "WEBP", "AVIF", "JXL", "TIFF"})
_WITHOUT_ALPHA = frozenset({"JPEG", "BMP", "PPM"})
_MODES_OF_PNG = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})

LARGEST_SIDE = {"WEBP": 16383, "JPEG": 65500, "AVIF": 32768, "GIF": 65535}
"""Pixels that a side may have where the format, or the library that reads or writes it, has a limit."""

_JPEG2000 = """
import io, sys
from PIL import Image
mode, width, height = sys.argv[1:]
file = io.BytesIO()
Image.frombytes(mode, (int(width), int(height)), sys.stdin.buffer.read()).save(file, "JPEG2000")
sys.stdout.buffer.write(file.getvalue())
"""

LARGEST_JPEG_EXIF = 65_533
"""Bytes: one marker segment of a JPEG."""


@dataclass(frozen=True, kw_only=True)
class PictureText:
    """The text of a picture in the forms that files carry it in: `chunks` for PNG, `exif` for the others.

    `text` is the same for a text file beside the picture. `exif_in_png` has a PNG carry the EXIF data, too. `hidden`
    hides the text in the pixels of a PNG besides, where they have room for it.
    """

    text: str = ""
    chunks: Mapping[str, str] = field(default_factory=dict[str, str])
    exif: bytes | None = None
    exif_in_png: bool = False
    hidden: HiddenForm | None = None


NO_TEXT = PictureText()


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A picture as the bytes of a file.

    `extension` is what was asked for or, where that format cannot hold the picture, "png"; `warning` then says why.
    `holds_text` is False where there was text and the file has no place for it.
    """

    data: bytes
    extension: str
    warning: str | None = None
    holds_text: bool = True


def encode_somehow(
    image: Image.Image, extension: str, *, text: PictureText = NO_TEXT, quality: int = 80, lossless: bool = False
) -> Encoded:
    """`encode`, but a picture is never lost to its format: what does not fit into it becomes a PNG.

    Text that is too long for a JPEG is left out of it. Raises SaveError for an extension that is no format at all, or
    a picture that not even a PNG can hold.
    """
    name, warning = format_of(extension), None
    if name == "JPEG" and text.exif and len(text.exif) > LARGEST_JPEG_EXIF:
        warning = f"The parameters take {len(text.exif):,} bytes, and a JPEG holds {LARGEST_JPEG_EXIF:,} at most."
        text = replace(text, exif=None)
    holds_text = not text.text or _place_for_text(name, text)
    try:
        data = encode(image, extension, text=text, quality=quality, lossless=lossless)
    except SaveError as error:
        if name == "PNG":
            raise
        data = encode(image, "png", text=text)
        return Encoded(data=data, extension="png", warning=f"Saved as PNG instead. {error}")
    return Encoded(data=data, extension=extension, warning=warning, holds_text=holds_text)


def _place_for_text(name: str, text: PictureText) -> bool:
    return bool(text.chunks) if name in ("PNG", "GIF") else bool(text.exif) and name in CARRIES_EXIF


def encode(
    image: Image.Image, extension: str, *, text: PictureText = NO_TEXT, quality: int = 80, lossless: bool = False
) -> bytes:
    """The file of `image` in the format that `extension` ("png", ".JPG", ...) stands for.

    PNG carries `text.chunks` as text chunks (Latin-1 as tEXt, anything else as iTXt); JPEG, WebP, AVIF and JPEG XL
    carry `text.exif`; GIF carries the values of the chunks as its comment; other formats carry nothing. `quality` is
    1..100 for the lossy formats, `lossless` for WebP and JPEG XL. Raises SaveError for a format that cannot be written
    or cannot hold a picture of this size.
    """
    name = format_of(extension)
    _check_size(name, image)
    options: dict[str, Any] = {}
    if name == "PNG":
        options["pnginfo"] = png_texts(text.chunks)
        image = _with_hidden_text(image, text)
        if text.exif_in_png and text.exif:
            options["exif"] = text.exif
    elif name == "GIF":
        options["comment"] = "\n".join(text.chunks.values()).encode(errors="replace")
    elif name in CARRIES_EXIF:
        # Nothing is taken over from the file that the picture once came from.
        options |= {"quality": quality, "exif": b"", "xmp": b"", "comment": b""}
        if text.exif:
            options["exif"] = text.exif
        if name in ("WEBP", "JXL"):
            options["lossless"] = lossless
    try:
        return _written(name, _in_a_mode_of(name, image), options)
    except (OSError, ValueError, KeyError, RuntimeError, struct.error) as error:
        raise SaveError(
            f"A picture of {image.width}x{image.height} cannot be written as {name}: {error}. "
            "Choose another file format in the settings."
        ) from error


def _written(name: str, image: Image.Image, options: Mapping[str, Any]) -> bytes:
    if name == "JPEG2000":
        # Pillow writes it in one call that holds the interpreter, half a second for each megapixel.
        width, height = image.size
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        with child_python(_JPEG2000, image.mode, str(width), str(height), input=image.tobytes()) as answer:
            if data := answer.read():
                return data
        raise OSError("Pillow cannot write it")
    buffer = io.BytesIO()
    image.save(buffer, format=name, **options)
    return buffer.getvalue()


def _with_hidden_text(image: Image.Image, text: PictureText) -> Image.Image:
    if text.hidden is None or not text.text or eight_bits(image) is not image:
        return image
    try:
        return hide_text(image, text.text, text.hidden)
    except ValueError as error:
        log.info("The parameters were not hidden in the pixels: %s.", error)
        return image


def _check_size(name: str, image: Image.Image) -> None:
    largest = LARGEST_SIDE.get(name)
    if largest is not None and max(image.size) > largest:
        raise SaveError(
            f"A picture of {image.width}x{image.height} cannot be written as {name}, whose sides end at {largest} "
            "pixels. Choose png as the file format in the settings."
        )


def format_of(extension: str) -> str:
    """Pillow's name of the format of `extension`. Raises SaveError, naming the usual ones, when it cannot write it."""
    from PIL import Image

    Image.init()
    suffix = "." + extension.lower().lstrip(".")
    name = Image.registered_extensions().get(suffix)
    if name is None or name not in Image.SAVE:
        raise SaveError(
            f"Pictures cannot be saved as {extension!r}. "
            "Choose png, jpg, webp or avif as the file format in the settings."
        )
    return name


def png_texts(chunks: Mapping[str, str]) -> Any:
    """The text chunks of a PNG file: tEXt where Latin-1 holds a text and none could take it for UTF-8, else iTXt."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in chunks.items():
        # A lone surrogate (half an emoji, cut off somewhere) is no character, and must not cost the picture.
        text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        info.add_text(key, text) if behind_latin1(text) == text else info.add_itxt(key, text)
    return info


def _in_a_mode_of(name: str, image: Image.Image) -> Image.Image:
    """`image` in a mode that the format has: 16-bit grey becomes 8-bit, and JPEG gets no transparency."""
    if name == "PNG" and image.mode in _MODES_OF_PNG:
        return image
    if name == "PNG" and image.mode == "I":
        return image.convert("I;16")
    image = eight_bits(image)
    if image.mode in ("La", "RGBa", "PA"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    elif image.mode in ("HSV", "LAB", "RGBX") or (image.mode in ("CMYK", "YCbCr") and name not in ("JPEG", "TIFF")):
        return image.convert("RGB")
    if name in _WITHOUT_ALPHA and image.mode in ("RGBA", "LA", "P", "PA"):
        return image.convert("RGB")
    return image
