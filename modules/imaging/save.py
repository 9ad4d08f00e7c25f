"""Pictures into files: the name, the number, the bytes, the text beside it, the smaller copy."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modules.foundation.atomic import atomic_create, atomic_write
from modules.foundation.errors import SaveError
from modules.imaging.encode import LARGEST_SIDE, NO_TEXT, Encoded, PictureText, encode_somehow, format_of
from modules.imaging.filenames import NameContext, NameLimits, fill_pattern
from modules.imaging.numbering import highest_number, reserved_number

if TYPE_CHECKING:
    from PIL import Image

_LONGEST_NAME = 255
"""Bytes of a file name where the file system does not tell."""

_KEPT_FREE = 40
"""Bytes of it kept for what is put around a pattern: number, suffix, extension."""

_FOR_A_COUNTER = 8
"""Bytes of it kept for the number behind a name that is taken."""

_WINDOWS_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_WINDOWS_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SaveOptions:
    """Where and how pictures of one kind are saved; the values of the settings, under plain names.

    `folder` is the output folder; with `save_to_dirs` a sub-folder named by `directories_pattern` is used. An empty
    `filename_pattern` means `[seed]` in sub-folders and `[seed]-[prompt_spaces]` without.
    """

    folder: Path
    extension: str = "png"
    filename_pattern: str = ""
    add_number: bool = True
    replace: bool = True
    save_to_dirs: bool = True
    directories_pattern: str = "[date]"
    limits: NameLimits = field(default_factory=NameLimits)
    quality: int = 80
    lossless: bool = False
    text_file: bool = False
    jpeg_copy: bool = True
    jpeg_copy_above_megabytes: float = 4.0
    jpeg_copy_above_side: int = 4000


@dataclass(frozen=True, kw_only=True)
class SavedPicture:
    """The files of one picture. `text_path` and `jpeg_path` are None where they were not wanted.

    `warning` says what came out otherwise than wanted: another format, nothing beside it; the picture itself is there.
    """

    path: Path
    text_path: Path | None = None
    jpeg_path: Path | None = None
    warning: str | None = None


def save_picture(
    image: Image.Image,
    context: NameContext,
    options: SaveOptions,
    *,
    text: PictureText = NO_TEXT,
    basename: str = "",
    suffix: str = "",
    short_name: bool = False,
    forced_name: str | None = None,
) -> SavedPicture:
    """Write `image` as a new file and return where it is; nothing half-written is ever seen under its name.

    The name is NNNNN-<pattern><suffix>.<extension>, with a `basename` ("grid") basename-NNNN-<pattern>...; `short_name`
    leaves the pattern out and `forced_name` replaces all of it. A picture that is too large for the format is saved as
    PNG, and text that does not fit goes into a file beside it. Raises SaveError, which names the file, the reason and
    what to do; the picture is untouched.
    """
    encoded = encode_somehow(image, options.extension, text=text, quality=options.quality, lossless=options.lossless)
    folder = options.folder / _sub_folder(context, options)
    try:
        if forced_name is not None:
            stem = _clean_parts(forced_name, _longest_name(options.folder)) + suffix
            path = _place(folder, stem, encoded, replace=options.replace)
        else:
            path = _save_by_pattern(
                folder, context, options, encoded, basename=basename, suffix=suffix, short_name=short_name
            )
    except OSError as error:
        raise save_error(error, folder) from error
    return _with_companions(path, image, encoded, text, options)


def save_error(error: OSError, folder: Path) -> SaveError:
    """The SaveError that tells the user what `error` means for saving below `folder`."""
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else folder
    if error.errno in (errno.EACCES, errno.EPERM):
        reason, advice = "there is no permission to write there", "Make the folder writable or choose another one"
    elif error.errno == errno.EROFS:
        reason, advice = "the disk can only be read", "Choose another output folder"
    elif error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        reason, advice = "the disk is full", "Make room or choose an output folder on another disk"
    elif error.errno == errno.ENAMETOOLONG:
        reason, advice = "the name is too long for the file system", "Choose a shorter filename pattern"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        reason, advice = "a file stands where a folder is needed", "Move that file away or choose another output folder"
    else:
        reason, advice = error.strerror or str(error), "Check the folder"
    return SaveError(
        f"The picture could not be saved to {where}: {reason}. {advice} in the settings, then save it again."
    )


def _save_by_pattern(
    folder: Path,
    context: NameContext,
    options: SaveOptions,
    encoded: Encoded,
    *,
    basename: str,
    suffix: str,
    short_name: bool,
) -> Path:
    folder, decoration = _folder_and_decoration(folder, context, options, short_name=short_name)
    if not options.add_number and decoration:
        return _place(folder, decoration + suffix, encoded, replace=options.replace)
    with reserved_number(folder, basename) as number:
        return _place(folder, _numbered(number, basename, decoration) + suffix, encoded, replace=False)


def planned_path(
    context: NameContext,
    options: SaveOptions,
    *,
    basename: str = "",
    suffix: str = "",
    short_name: bool = False,
    forced_name: str | None = None,
) -> Path:
    """Where `save_picture` would put a picture now, unless another takes the number or the format cannot hold it."""
    folder = options.folder / _sub_folder(context, options)
    ending = "." + options.extension.lower().lstrip(".")
    if forced_name is not None:
        return folder / (_clean_parts(forced_name, _longest_name(options.folder)) + suffix + ending)
    folder, decoration = _folder_and_decoration(folder, context, options, short_name=short_name)
    if not options.add_number and decoration:
        return folder / (decoration + suffix + ending)
    return folder / (_numbered(highest_number(folder, basename) + 1, basename, decoration) + suffix + ending)


def _folder_and_decoration(
    folder: Path, context: NameContext, options: SaveOptions, *, short_name: bool
) -> tuple[Path, str]:
    """The folder with those that the pattern adds, and what the pattern adds to the name."""
    decoration = "" if short_name or context.seed is None else _decoration(context, options)
    *folders, decoration = decoration.split("/")
    return folder.joinpath(*folders), decoration


def _numbered(number: int, basename: str, decoration: str) -> str:
    counted = f"{basename}-{number:04}" if basename else f"{number:05}"
    return f"{counted}-{decoration}" if decoration else counted


def _decoration(context: NameContext, options: SaveOptions) -> str:
    default = "[seed]" if options.save_to_dirs else "[seed]-[prompt_spaces]"
    filled = fill_pattern(options.filename_pattern or default, context, options.limits)
    return _clean_parts(filled, _longest_name(options.folder))


def _sub_folder(context: NameContext, options: SaveOptions) -> Path:
    if not options.save_to_dirs:
        return Path()
    filled = fill_pattern(options.directories_pattern or "[date]", context, options.limits)
    return Path(_clean_parts(filled.lstrip(" ").rstrip("\\ /"), _longest_name(options.folder)))


def _clean_parts(name: str, room: int, *, windows: bool = os.name == "nt") -> str:
    """`name` as a relative path that stays below its folder, every part at most `room` bytes and fit for the system."""
    if windows:
        name = _WINDOWS_FORBIDDEN.sub("_", name.replace("\\", "/"))
    parts = [part.strip(" ").replace("\x00", "_") for part in name.split("/")]
    parts = [part for part in parts if part not in ("", ".", "..")]
    if windows:
        parts = [part.rstrip(".") + ("_" if _WINDOWS_DEVICES.match(part) else "") for part in parts]
    return "/".join(part.encode(errors="ignore")[:room].decode(errors="ignore").rstrip(" ") for part in parts)


def _fitting(stem: str, room: int) -> str:
    """`stem` with its last part no longer than `room` bytes; only a long suffix makes it that long."""
    *folders, name = stem.split("/")
    return "/".join([*folders, name.encode()[:room].decode(errors="ignore").rstrip(" ")])


def _longest_name(folder: Path) -> int:
    """Bytes that a pattern may fill in a file name below `folder`, as its file system (or most of them) has it."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists() or parent == parent.parent)
    try:
        longest = os.pathconf(existing, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows has no pathconf
        longest = _LONGEST_NAME
    return longest - _KEPT_FREE


def _place(folder: Path, stem: str, encoded: Encoded, *, replace: bool) -> Path:
    """Write a file as `stem` plus extension below `folder`, replacing or avoiding what has the name already."""
    data, ending = encoded.data, "." + encoded.extension.lower().lstrip(".")
    stem = _fitting(stem, _longest_name(folder) + _KEPT_FREE - len(ending) - _FOR_A_COUNTER)
    path = folder / (stem + ending)
    if atomic_create(path, data):
        return path
    if replace:
        with atomic_write(path) as file:
            file.write(data)
        return path
    copy = 1
    while not atomic_create(path := folder / f"{stem}-{copy}{ending}", data):
        copy += 1
    return path


def _with_companions(
    path: Path, image: Image.Image, encoded: Encoded, text: PictureText, options: SaveOptions
) -> SavedPicture:
    """What lies beside a picture; that it cannot be written does not make the picture any less saved."""
    text_path = jpeg_path = None
    remarks = [f"{path.name}: {encoded.warning}"] if encoded.warning else []
    try:
        if text.text and (options.text_file or (encoded.warning and not encoded.holds_text)):
            text_path = _save_text(path, text.text)
        jpeg_path = _save_jpeg_copy(path, image, len(encoded.data), text, options)
    except OSError as error:
        remarks.append(f"{path.name} is saved, but not everything beside it: {error.strerror or error}.")
    except SaveError as error:
        remarks.append(f"{path.name} is saved, but not its JPEG copy: {error}")
    return SavedPicture(path=path, text_path=text_path, jpeg_path=jpeg_path, warning=" ".join(remarks) or None)


def _save_text(path: Path, text: str) -> Path:
    beside = path.with_name(path.name.rpartition(".")[0] + ".txt")
    with atomic_write(beside) as file:
        file.write(f"{text}\n".encode(errors="replace"))
    return beside


def _save_jpeg_copy(path: Path, image: Image.Image, size: int, text: PictureText, options: SaveOptions) -> Path | None:
    """A JPEG beside a picture whose file or sides are too large for many sites, scaled down to the longest side."""
    side = options.jpeg_copy_above_side
    too_wide = 0 < side < max(image.size)
    too_heavy = size > options.jpeg_copy_above_megabytes * 1024 * 1024
    if not options.jpeg_copy or not (too_wide or too_heavy) or format_of(path.suffix) == "JPEG":
        return None
    from PIL import Image as PillowImage

    longest = min(side if too_wide else max(image.size), LARGEST_SIDE["JPEG"])
    scale = longest / max(image.size)
    if scale < 1:
        smaller = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(smaller, PillowImage.Resampling.LANCZOS)
    copy = path.with_name(path.name.rpartition(".")[0] + ".jpg")
    with atomic_write(copy) as file:
        file.write(encode_somehow(image, "jpg", text=text, quality=options.quality).data)
    return copy
