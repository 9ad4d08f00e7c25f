"""What the open sub tab of img2img begins with: a picture, drawn on or not, and a mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.errors import EaselError, RequestError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture, unpack
from modules.generation.count_limits import between
from modules.generation.inpaint import MOST_BLUR
from modules.imaging.depth import eight_bits
from modules.imaging.pixelwise import alpha_of, extent, inverted, lighter
from modules.webui.canvas.layers import colours_and_mask, grown, has_transparency, mask_of, painted_over
from modules.webui.canvas.value import CanvasValue
from modules.webui.panel import img2img_controls as own
from modules.webui.panel.control_values import ControlValues

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """What a sub tab begins with: a picture and, for inpainting, a mask that is white where something new comes."""

    picture: Image.Image
    mask: Image.Image | None = None


def source(controls: ControlValues) -> Source:
    """What the open sub tab begins with. Raises RequestError where there is nothing yet."""
    mode = controls.text("mode")
    if mode == "inpaint_upload":
        return _uploaded(controls)
    control = own.PICTURES.get(mode, own.PICTURES["img2img"])
    value = controls.canvas(control.name)
    if value is None:
        raise _nothing(control.name)
    match mode:
        case "sketch":
            return Source(picture=painted_picture(value, control.name))
        case "inpaint":
            return _inpainted(value, control.name)
        case "inpaint_sketch":
            return _sketched(controls, value, control.name)
        case _:
            return Source(picture=_opened(value.picture, control.name))


def plain_picture(controls: ControlValues) -> Image.Image:
    """The picture of the open sub tab, without mask. Raises RequestError where there is none yet."""
    mode = controls.text("mode")
    if mode == "inpaint_upload":
        if not (path := controls.text(own.INPAINT_UPLOAD.name)):
            raise _nothing(own.INPAINT_UPLOAD.name)
        return _opened(path, own.INPAINT_UPLOAD.name)
    control = own.PICTURES.get(mode, own.PICTURES["img2img"])
    value = controls.canvas(control.name)
    if value is None:
        raise _nothing(control.name)
    return painted_picture(value, control.name) if mode == "sketch" else framed_picture(value, control.name)


def picture_size(controls: ControlValues) -> tuple[int, int] | None:
    """The size in pixels of the picture on the open sub tab; None where there is none that can be read."""
    mode = controls.text("mode")
    name = own.PICTURES.get(mode, own.PICTURES["img2img"]).name
    try:
        if mode == "inpaint_upload":
            return _opened(controls.text(name), name).size if controls.text(name) else None
        value = controls.canvas(name)
        return None if value is None else _sized(value, name)
    except EaselError:
        return None


def painted_picture(value: CanvasValue, field: str) -> Image.Image:
    """The picture of a canvas within its frame, with the colours that were painted on it."""
    picture = grown(_upright(value.picture, field), value.frame)
    paint = _paint(value, picture.size, field)
    return picture if paint is None else painted_over(picture, paint)


def framed_picture(value: CanvasValue, field: str) -> Image.Image:
    """The picture of a canvas within its frame, without what was painted."""
    return grown(_upright(value.picture, field), value.frame)


def _uploaded(controls: ControlValues) -> Source:
    path, mask = controls.text(own.INPAINT_UPLOAD.name), controls.text("upload_mask")
    if not path:
        raise _nothing(own.INPAINT_UPLOAD.name)
    picture = _opened(path, own.INPAINT_UPLOAD.name)
    if not mask:
        raise RequestError("There is no mask yet. Drop one on the box below the picture.", "upload_mask")
    return Source(picture=picture, mask=_opened(mask, "upload_mask"))


def _inpainted(value: CanvasValue, field: str) -> Source:
    if not value.is_painted:
        picture = _upright(value.picture, field)
        return Source(picture=picture, mask=_transparent_part(picture, field))
    picture = framed_picture(value, field)
    paint = _paint(value, picture.size, field)
    mask = mask_of(paint, picture.size, value.frame, soft=value.soft)
    if extent(mask) is None:
        return Source(picture=picture, mask=_transparent_part(picture, field))
    return Source(picture=picture, mask=mask)


def _sketched(controls: ControlValues, value: CanvasValue, field: str) -> Source:
    if not value.is_painted:
        return _inpainted(value, field)
    picture = framed_picture(value, field)
    paint = _paint(value, picture.size, field)
    if paint is None or extent(alpha_of(paint)) is None:
        return _inpainted(value, field)
    blurred = controls.whole("mask_blur", "Mask blur")
    between("mask_blur", blurred, 0, MOST_BLUR)
    transparency = controls.number("mask_alpha", "Mask transparency")
    between("mask_alpha", transparency, 0, 100)
    coloured, mask = colours_and_mask(picture, paint, transparency=transparency, blurred=blurred)
    around = mask_of(None, picture.size, value.frame, soft=True)
    return Source(picture=coloured, mask=lighter(mask, around))


def _paint(value: CanvasValue, size: tuple[int, int], field: str) -> Image.Image | None:
    if value.paint is None:
        return None
    paint = _opened(value.paint, field).convert("RGBA")
    return paint if paint.size == size else paint.resize(size)


def _transparent_part(picture: Image.Image, field: str) -> Image.Image:
    """Where a picture is transparent, as a mask."""
    if not has_transparency(picture):
        raise RequestError(
            "Nothing is masked. Paint over what is to be made again, or choose Inpaint upload and give the mask as a "
            "file.",
            field,
        )
    return inverted(alpha_of(eight_bits(picture)))


def _sized(value: CanvasValue, field: str) -> tuple[int, int]:
    width, height = _upright_size(value.picture, field)
    left, top, right, bottom = value.frame
    return width + left + right, height + top + bottom


def _upright_size(path: Path, field: str) -> tuple[int, int]:
    from PIL import ExifTags

    with _opened(path, field, unpacked=False) as picture:
        width, height = picture.size
        turned = picture.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    return (height, width) if turned else (width, height)


def _upright(path: Path, field: str) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(_opened(path, field))


def _opened(path: Path | str, field: str, *, unpacked: bool = True) -> Image.Image:
    try:
        picture = open_picture(str(path))
        if unpacked:
            picture = unpack(picture)
    except FileNotFoundError:
        raise RequestError("The picture is no longer on the server. Drop it again.", field) from None
    except UNREADABLE as error:
        raise RequestError(f"{Path(path).name} cannot be read as a picture: {reason_of(error)}.", field) from error
    return picture


def _nothing(field: str) -> RequestError:
    return RequestError("There is no picture to begin with. Drop one on the box above the settings.", field)
