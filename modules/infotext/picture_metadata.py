"""Picture files that carry an infotext: PNG text chunks, and the EXIF user comment of JPEG, WebP and AVIF."""

from __future__ import annotations

import codecs
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo, iTXt

from modules.foundation.errors import MAX_SHOWN, EaselError, SaveError, reason_of
from modules.foundation.json_text import parse_json
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.plain import JsonObject
from modules.foundation.stealth_text import hidden_text
from modules.foundation.text_files import behind_latin1, decode_text

log = logging.getLogger(__name__)

PARAMETERS = "parameters"
_EXIF_IFD, _USER_COMMENT, _IMAGE_DESCRIPTION, _ORIENTATION = 0x8769, 0x9286, 0x010E, 0x0112
MAX_TEXT = 1_000_000
"""Characters of one text in a picture; the longest infotexts have some thousands, node graphs a hundred thousand."""

_JPEG_LIMIT = 65_533 - 64
_EXIF_FORMATS = frozenset({"JPEG", "WEBP", "AVIF"})

# The names of what libraries write into `Image.info` for their own use.
_TECHNICAL = frozenset(
    (  # noqa: SIM905 - a list would be one line each
        "jfif jfif_version jfif_unit jfif_density dpi exif loop background timestamp duration progressive progression "
        "icc_profile chromaticity photoshop gamma transparency xmp srgb interlace aspect adobe adobe_transform mp "
        "mpoffset bbox default_image"
    ).split()
)


@dataclass(frozen=True, kw_only=True)
class PictureMetadata:
    """What a picture file says about itself: the infotext, if it has one, and its other texts by name.

    `left_out` are the names of texts that are too long to be read.
    """

    infotext: str | None = None
    others: dict[str, str] = field(default_factory=dict[str, str])
    left_out: tuple[str, ...] = ()

    @property
    def why_nothing(self) -> str:
        """A sentence for people who looked for parameters and found none."""
        if not self.left_out:
            return "This picture does not say how it was made."
        names = ", ".join(repr(name[:MAX_SHOWN]) for name in self.left_out[:3])
        return f"The text {names} of this picture has more than {MAX_TEXT:,} letters and is left out."


def save_arguments(picture_format: str, infotext: str | None, others: Mapping[str, str] | None = None) -> JsonObject:
    """The arguments for `PIL.Image.save` that put `infotext` into a file of this format ("PNG", "JPEG", "WEBP", ...).

    `others` are further texts by name, which only PNG can hold. A format without a place for text gives no arguments.
    Raises SaveError for a text that is too long for a JPEG.
    """
    picture_format = picture_format.upper()
    if picture_format == "PNG":
        chunks = PngInfo()
        texts = {**(others or {}), **({PARAMETERS: infotext} if infotext is not None else {})}
        for key, text in texts.items():
            # Pillow writes tEXt where Latin-1 will do, and iTXt, which is UTF-8, elsewhere. Latin-1 that could be taken
            # for UTF-8 would be, since many programs put UTF-8 into tEXt.
            plain = _without_surrogates(text)
            chunks.add_text(key, plain) if behind_latin1(plain) == plain else chunks.add_itxt(key, plain)
        return {"pnginfo": chunks}
    if infotext is None:
        return {}
    if picture_format == "GIF":
        return {"comment": _without_surrogates(infotext)}
    if picture_format not in _EXIF_FORMATS:
        return {}
    exif = exif_with(infotext)
    if picture_format == "JPEG" and len(exif) > _JPEG_LIMIT:
        raise SaveError(
            f"The parameters take {len(exif)} bytes, and a JPEG can hold {_JPEG_LIMIT} at most. "
            "Save as PNG or WebP, or turn off parameters in pictures."
        )
    return {"exif": exif}


def exif_with(infotext: str) -> bytes:
    """EXIF data with `infotext` as its user comment."""
    exif = Image.Exif()
    comment = b"UNICODE\0" + _without_surrogates(infotext).encode("utf-16-be")
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = comment
    return exif.tobytes()


def kept_exif(picture: Image.Image, infotext: str | None) -> tuple[bytes | None, bool]:
    """The EXIF data that a picture made of `picture`, turned upright, carries on, with `infotext` as its comment.

    Also whether a camera wrote any of it, or another program: more than an infotext.
    """
    exif = picture.getexif()
    exif.pop(_ORIENTATION, None)
    details = exif.get_ifd(_EXIF_IFD)
    details.pop(_USER_COMMENT, None)
    own = bool(dict(exif).keys() - {_EXIF_IFD} or details)
    if infotext:
        details[_USER_COMMENT] = b"UNICODE\0" + _without_surrogates(infotext).encode("utf-16-be")
    try:
        return (exif.tobytes(), own) if own or infotext else (None, False)
    except (*UNREADABLE, OverflowError):  # tags that Pillow reads and cannot write
        return (exif_with(infotext) if infotext else None), False


def read_picture_metadata(source: Image.Image | bytes | Path) -> PictureMetadata:
    """Read what a picture carries, from the picture itself, the bytes of its file, or its path.

    A `.txt` beside a path counts where the file itself has no infotext. NovelAI's own fields are put into words.
    Raises EaselError for what is no picture.
    """
    try:
        if isinstance(source, Image.Image):
            return _read(source)
        with open_picture(source) as picture:
            carried = _read(picture)
    except UNREADABLE as error:
        name = source.name if isinstance(source, Path) else "The file"
        raise EaselError(f"{name} cannot be read as a picture ({reason_of(error)}).") from error
    if carried.infotext is None and isinstance(source, Path) and (beside := _text_beside(source)) is not None:
        return replace(carried, infotext=beside)
    return carried


def _read(picture: Image.Image) -> PictureMetadata:
    # PNG keeps text that follows the pixels out of `info` until they are read.
    texts = dict(getattr(picture, "text", {})) if picture.format == "PNG" else {}
    values = {str(key): value for key, value in {**picture.info, **texts}.items()}
    found = {key: text for key, value in values.items() if (text := _text_of(value)) is not None}
    too_long = [key for key, value in values.items() if isinstance(value, str | bytes) and len(value) > MAX_TEXT]
    infotext = found.pop(PARAMETERS, None)
    others = {key: text for key, text in found.items() if key.lower() not in _TECHNICAL}
    if infotext is None or not infotext.strip():
        infotext = _from_exif(picture.getexif()) or infotext
    if infotext is None and picture.format == "GIF":
        infotext = others.pop("comment", None)
    if others.get("Software") == "NovelAI":
        infotext = _from_novelai(others, picture.size) or infotext
    if infotext is None and (hidden := _from_pixels(picture)) is not None:
        infotext, further = hidden
        others |= further
    left_out = tuple(key for key in too_long if key.lower() not in _TECHNICAL)
    return PictureMetadata(infotext=infotext, others=others, left_out=left_out)


def _from_pixels(picture: Image.Image) -> tuple[str | None, dict[str, str]] | None:
    """The infotext that is hidden in the pixels, or NovelAI's texts, of which it is made; None where there is none."""
    if picture.format not in _LOSSLESS or picture.width * picture.height > MOST_PIXELS:
        return None
    try:
        text = hidden_text(picture)
    except UNREADABLE:  # the pixels are damaged; what else the file says is known already
        return None
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        table = parse_json(text)
        if isinstance(table, dict):
            texts = {key: value for key, value in table.items() if isinstance(value, str)}
            return _from_novelai(texts, picture.size) or texts.pop(PARAMETERS, None), texts
    return text, {}


_LOSSLESS = frozenset({"PNG", "WEBP"})
MOST_PIXELS = 64_000_000
"""Of a picture whose pixels are looked through for a text."""


def _from_exif(exif: Image.Exif) -> str | None:
    """The user comment, unless it is blank, as cameras leave it, and there is a description that is an infotext."""
    blank: str | None = None
    for comment in (exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT), exif.get(_USER_COMMENT)):
        text = decode_user_comment(comment) if isinstance(comment, bytes | str) else None
        if text is not None and text.strip():
            return text
        blank = blank or text
    description = _text_of(exif.get(_IMAGE_DESCRIPTION))
    return description if description is not None and "Steps: " in description else blank


def decode_user_comment(comment: bytes | str) -> str | None:
    """The text of an EXIF user comment, whichever of the customary encodings it has; None where there is none."""
    if len(comment) > 2 * MAX_TEXT:
        return None
    if isinstance(comment, str):
        # The field has the wrong type, and Pillow has read its bytes as Latin-1.
        try:
            comment = comment.encode("latin-1")
        except UnicodeEncodeError:
            return comment.strip("\0") or None
    marker, text = comment[:8], comment[8:]
    named = marker.upper()
    # A prompt may begin with the word and a blank; then there are no zeros, unless it is in UTF-16.
    if named == b"UNICODE\0" or marker == b"UNICODE " or (named == b"UNICODE " and b"\0" in text):
        return _decode_utf16(text).strip("\0") or None
    match marker.rstrip(b"\0 ").upper():
        case b"ASCII" | b"":
            return _decode_bytes(text).strip("\0") or None
        case b"JIS":
            return text.decode("iso2022_jp", "replace").strip("\0") or None
        case _:
            return _decode_bytes(comment).strip("\0") or None


_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SURELY_UTF8 = 16
"""Bytes. UTF-16 of this length that is UTF-8 as well, without a zero, does not occur in any language."""


def _decode_utf16(text: bytes) -> str:
    """The standard leaves the byte order open: a mark decides, else the order in which plain letters are letters.

    Some programs put UTF-8 here. It has no zero bytes; UTF-16 has them, unless a text is short and all Chinese, say.
    """
    whole = text[: len(text) // 2 * 2]  # without half a character at the end of a text that was cut off
    if text.startswith(_BYTE_ORDER_MARKS):
        return whole.decode("utf-16", "replace")
    plain = text.rstrip(b"\0")
    if b"\0" not in plain and (len(text) % 2 or len(plain) >= _SURELY_UTF8):
        utf8 = _decode_utf8(plain, or_latin1=False)
        if utf8 is not None:
            return utf8
    little = _plain_letters(whole[1::2], whole[0::2])
    # A single character may well be one of the other order: U+3000 is 0 when its bytes are exchanged.
    big_endian = little < 2 or little <= _plain_letters(whole[0::2], whole[1::2])
    return whole.decode("utf-16-be" if big_endian else "utf-16-le", "replace")


def _plain_letters(high: bytes, low: bytes) -> int:
    """How many characters of UTF-16 are in Latin-1 and no control characters, by their two bytes."""
    return sum(not upper and (lower >= 0x20 or lower in b"\t\n\r") for upper, lower in zip(high, low, strict=True))


def _decode_bytes(text: bytes) -> str:
    """Text of which nothing says how it is encoded: UTF-16 by its mark or its zeros, else UTF-8, else Latin-1."""
    plain = text.strip(b"\0")
    if text.startswith(_BYTE_ORDER_MARKS) or plain[1::2].count(0) * 3 > len(plain):
        return _decode_utf16(text)
    utf8 = _decode_utf8(plain, or_latin1=True)
    return plain.decode("latin-1") if utf8 is None else utf8


def _decode_utf8(text: bytes, *, or_latin1: bool) -> str | None:
    """The text without the rest of a character that was cut off at its end; None where it is not UTF-8.

    Where it may be Latin-1, such a rest at the end of an otherwise ASCII text is a letter of that.
    """
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return None
        before = text[: error.start].decode("utf-8-sig")
        return None if or_latin1 and before.isascii() else before


def _text_of(value: object) -> str | None:
    """A text of a picture. What Pillow read as Latin-1, as PNG's tEXt and EXIF have it, may well be UTF-8."""
    if not isinstance(value, str | bytes):
        return None
    if len(value) > MAX_TEXT:
        log.warning("A text of %d characters in a picture is left out; the most is %d.", len(value), MAX_TEXT)
        return None
    if isinstance(value, bytes):
        return _decode_bytes(value)
    return value if isinstance(value, iTXt) else behind_latin1(value)


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text_beside(path: Path) -> str | None:
    try:
        with path.with_suffix(".txt").open("rb") as file:
            text = file.read(MAX_TEXT + 1)
        return (decode_text(text)[0].strip() or None) if len(text) <= MAX_TEXT else None
    except OSError:
        return None


def _from_novelai(texts: Mapping[str, str], size: tuple[int, int]) -> str | None:
    """NovelAI's fields as an infotext. Its models are used with clip skip 2 and a noise seed offset of 31337."""
    try:
        data = parse_json(texts["Comment"])
        sampler = _NOVELAI_SAMPLERS.get(data["sampler"], "Euler a")
        return (
            f"{texts['Description']}\nNegative prompt: {data['uc']}\n"
            f"Steps: {data['steps']}, Sampler: {sampler}, CFG scale: {data['scale']}, Seed: {data['seed']}, "
            f"Size: {size[0]}x{size[1]}, Clip skip: 2, ENSD: 31337"
        )
    except (KeyError, TypeError, ValueError):
        return None


_NOVELAI_SAMPLERS = {
    "k_euler": "Euler",
    "k_euler_ancestral": "Euler a",
    "k_lms": "LMS",
    "k_heun": "Heun",
    "k_dpm_2": "DPM2",
    "k_dpm_2_ancestral": "DPM2 a",
    "k_dpm_fast": "DPM fast",
    "k_dpm_adaptive": "DPM adaptive",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_2s_ancestral": "DPM++ 2S a",
    "k_dpmpp_sde": "DPM++ SDE",
    "k_dpmpp_2m_sde": "DPM++ 2M SDE",
    "ddim": "DDIM",
    "ddim_v3": "DDIM",
    "plms": "PLMS",
}
