"""Pictures as the bytes of a file: PNG, JPEG, WebP, AVIF and what else Pillow can write, with their texts inside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modules.foundation.errors import SaveError

if TYPE_CHECKING:
    from PIL import Image

CARRIES_EXIF = frozenset({"JPEG", "WEBP", "AVIF", "JXL", "TIFF"})
_WITHOUT_ALPHA = frozenset({"JPEG", "BMP", "PPM"})


@dataclass(frozen=True, kw_only=True)
class PictureText:
    """The text of a picture in the forms that files carry it in: `chunks` for PNG, `exif` for the others.

    `text` is the same for a text file beside the picture.
    """

    text: str = ""
    chunks: Mapping[str, str] = field(default_factory=dict[str, str])
    exif: bytes | None = None


NO_TEXT = PictureText()


def encode(
    image: Image.Image, extension: str, *, text: PictureText = NO_TEXT, quality: int = 80, lossless: bool = False
) -> bytes:
    """The file of `image` in the format that `extension` ("png", ".JPG", ...) stands for.

    PNG carries `text.chunks` as text chunks (Latin-1 as tEXt, anything else as iTXt); JPEG, WebP, AVIF and JPEG XL
    carry `text.exif`; GIF carries the values of the chunks as its comment; other formats carry nothing. `quality` is
    1..100 for the lossy formats, `lossless` for WebP and JPEG XL. Raises SaveError for a format that cannot be written.
    """
    name = format_of(extension)
    options: dict[str, Any] = {}
    if name == "PNG":
        options["pnginfo"] = _png_chunks(text.chunks)
    elif name == "GIF":
        options["comment"] = "\n".join(text.chunks.values())
    elif name in CARRIES_EXIF:
        options["quality"] = quality
        if text.exif:
            options["exif"] = text.exif
        if name in ("WEBP", "JXL"):
            options["lossless"] = lossless
    buffer = io.BytesIO()
    try:
        _in_a_mode_of(name, image).save(buffer, format=name, **options)
    except (OSError, ValueError, KeyError) as error:
        raise SaveError(
            f"A picture of {image.width}x{image.height} cannot be written as {name}: {error}. "
            "Choose another file format in the settings."
        ) from error
    return buffer.getvalue()


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


def _png_chunks(chunks: Mapping[str, str]) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in chunks.items():
        # A lone surrogate (half an emoji, cut off somewhere) is no character, and must not cost the picture.
        info.add_text(key, value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return info


def _in_a_mode_of(name: str, image: Image.Image) -> Image.Image:
    """`image` in a mode that the format has: 16-bit grey becomes 8-bit, and JPEG gets no transparency."""
    if name == "PNG":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return image.point(lambda level: level / 256).convert("L")
    if name in _WITHOUT_ALPHA and image.mode in ("RGBA", "LA", "P", "PA"):
        return image.convert("RGB")
    return image
