"""Writing what people keep beside a model file: their notes in name.json, and its picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from modules.foundation.atomic import atomic_write, write_json
from modules.foundation.errors import RequestError
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.text_files import read_json_object
from modules.library.sidecars import preview_of, stem_of

MOST_PIXELS = 64_000_000
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
"""The forms that a picture beside a model may have, and how its file's name ends."""


def write_notes(path: str, changes: Mapping[str, object]) -> Path:
    """Change some keys of the notes of the model file at `path`; others stay. None and "" take a key away.

    A .json that is damaged is kept beside under another name. Raises OSError as the file system does.
    """
    file = Path(stem_of(path) + ".json")
    notes = {**read_json_object(file, "Notes are written again."), **changes}
    write_json(file, {key: value for key, value in notes.items() if value not in (None, "")})
    return file


def write_preview(path: str, data: bytes, names: Collection[str]) -> Path:
    """Make `data`, a whole picture file, the picture of the model file at `path`; `names` are those in its folder.

    The bytes are kept as they are, so that the picture still says how it was made. Pictures that would be shown
    instead of it go. Raises RequestError for what is no picture, OSError as the file system does.
    """
    try:
        with open_picture(data, MOST_PIXELS) as picture:
            suffix = SUFFIXES.get(picture.format or "")
            picture.load()
    except UNREADABLE as error:
        raise RequestError(f"The picture cannot be used: {error}.", "body") from error
    if suffix is None:
        raise RequestError(f"The picture must be one of {', '.join(SUFFIXES)}.", "body")
    target = Path(stem_of(path) + suffix)
    if target == Path(path):
        target = Path(f"{stem_of(path)}.preview{suffix}")  # an embedding may be a picture itself
    with atomic_write(target) as file:
        file.write(data)
    left = {*names, target.name}
    while (shown := preview_of(path, left)) is not None and Path(shown) != target:
        Path(shown).unlink(missing_ok=True)
        left.discard(Path(shown).name)
    return target
