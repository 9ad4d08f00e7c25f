"""Pictures in JSON: base64 in and out, with the parameters text where a file would carry it."""

from __future__ import annotations

import base64
import binascii
import contextlib
from dataclasses import dataclass

from PIL import Image

from modules.api.remote_pictures import Fetching, fetch_picture
from modules.application.application import Application
from modules.foundation import picture_file
from modules.foundation.errors import RequestError, reason_of
from modules.generation.result import FinishedImage
from modules.imaging.encode import PictureText, encode_somehow
from modules.infotext.picture_metadata import PARAMETERS, exif_with
from modules.settings.model import Settings

TOGETHER = 4
"""How many pictures of the largest size the pictures of one request may unpack to together."""


@dataclass(kw_only=True)
class Intake:
    """What one request may bring: pictures of at most `pixels` each and `TOGETHER` times as many in all.

    Those behind addresses are fetched as `fetching` says. A few kilobytes can unpack to gigabytes, so many small files
    count like the pictures that they hold.
    """

    pixels: int = 100_000_000
    fetching: Fetching = Fetching()
    taken: int = 0

    @classmethod
    def of(cls, app: Application) -> Intake:
        """What this program's flags and settings say."""
        return cls(
            pixels=app.flags.max_image_pixels,
            fetching=Fetching.from_settings(app.settings.current, offline=app.flags.offline),
        )

    def take(self, pixels: int, field: str) -> None:
        """Count a picture that is about to be unpacked. Raises RequestError naming `field` for one too many."""
        self.taken += pixels
        if self.taken > (most := self.pixels * TOGETHER):
            raise RequestError(
                f"With {field} the pictures of this request have {self.taken:,} pixels together, more than {most:,}. "
                "Send them in several requests, or made smaller.",
                field,
            )


def decode_picture(text: object, field: str, intake: Intake | None = None) -> Image.Image:
    """The picture that `text` holds in base64, plain or as a data: address, or has the address of.

    `intake` is that of the whole request; without one nothing is fetched. Raises RequestError naming `field`.
    """
    intake = intake or Intake()
    if not isinstance(text, str) or not text.strip():
        raise RequestError(f"{field} must be a picture in base64.", field)
    if text.startswith(("http://", "https://")):
        data = fetch_picture(text, field, intake.fetching)
    else:
        try:
            data = unpacked(text)
        except (binascii.Error, ValueError) as error:
            raise RequestError(f"{field} is not base64 ({error}).", field) from error
    return open_picture(data, field, intake)


def unpacked(text: str) -> bytes:
    """The bytes that `text` holds in base64: with line breaks or without, of either alphabet, its end filled up or not.

    Raises ValueError if it is none.
    """
    text = text.strip()
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    if len(text) > _PIECE:
        text = _in_one_line(text) if "\n" in text else text
        text += "=" * (-len(text) % 4)
    try:
        return _decoded(text)
    except binascii.Error:
        text = _in_one_line(text).rstrip("=")
        return _decoded(text + "=" * (-len(text) % 4))


def _in_one_line(text: str) -> str:
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join(["".join(piece.split()) for piece in pieces])


def _decoded(text: str) -> bytes:
    """As `base64.b64decode`, in pieces where it can be: each holds the interpreter, a large picture for too long."""
    if len(text) > _PIECE and text.find("=", 0, -2) < 0:
        pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        with contextlib.suppress(binascii.Error):  # something else stands between
            return b"".join([base64.b64decode(piece) for piece in pieces])
    return base64.b64decode(text)


_PIECE = 4 * 1024 * 1024
"""Characters, a multiple of four."""


def open_picture(data: bytes, field: str, intake: Intake) -> Image.Image:
    """The picture in the bytes of a file, unpacked, unless it is larger than `intake` allows.

    Raises RequestError naming `field`.
    """
    try:
        image = picture_file.open_picture(data, intake.pixels)
        intake.take(image.width * image.height, field)
        image = picture_file.unpack(image)
    except picture_file.UNREADABLE as error:
        reason = reason_of(error)
        raise RequestError(
            f"{field} is no picture that can be read ({reason}). Send a {picture_file.NAMES} file.", field
        ) from error
    return image


def encode_picture(finished: FinishedImage, settings: Settings) -> bytes:
    """A finished picture as the file it would be saved as. A saved file is read, not made again."""
    extension = settings.samples_format if finished.kind != "grid" else settings.grid_format
    if finished.path is not None:
        try:
            return finished.path.read_bytes()
        except OSError:  # it has been moved away already
            pass
    text = picture_text(finished.infotext, settings) if settings.enable_pnginfo else PictureText()
    quality, lossless = settings.jpeg_quality, settings.webp_lossless
    return encode_somehow(finished.image, extension, text=text, quality=quality, lossless=lossless).data


def picture_text(infotext: str, settings: Settings | None = None) -> PictureText:
    """The parameters text in all the forms in which files carry it; hidden in the pixels as the settings say."""
    hidden = None if settings is None or settings.stealth_pnginfo == "Off" else settings.stealth_pnginfo
    return PictureText(text=infotext, chunks={PARAMETERS: infotext}, exif=exif_with(infotext), hidden=hidden)
