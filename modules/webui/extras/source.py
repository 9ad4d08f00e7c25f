"""What the picture on the Extras tab is, and what it says of itself."""

from __future__ import annotations

import html
from pathlib import Path

from PIL import ExifTags, Image

from modules.foundation.errors import EaselError, reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.infotext.picture_metadata import read_picture_metadata

LONGEST = 300
"""Letters of one value of EXIF that are shown."""


def source_html(path: str | None) -> str:
    """Size, format, parameters and EXIF data of the picture in a file; a sentence where it cannot be read."""
    if not path:
        return ""
    try:
        with open_picture(Path(path)) as picture:
            line = f"{picture.width}x{picture.height} {picture.format} · {_bytes(Path(path).stat().st_size)}"
            exif = _exif(picture)
        carried = read_picture_metadata(Path(path))
    except (EaselError, *UNREADABLE) as error:
        reason = str(error) if isinstance(error, EaselError) else f"It cannot be read: {reason_of(error)}."
        return f'<p class="note error">{html.escape(reason)}</p>'
    texts = ({"parameters": carried.infotext} if carried.infotext else {}) | carried.others | exif
    if not texts:
        return f'<p class="source-line">{html.escape(line)}</p>'
    items = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in texts.items())
    kept = "what it says of itself, which the result keeps"
    return f'<details class="source-line"><summary>{html.escape(line)} · {kept}</summary><dl>{items}</dl></details>'


def _exif(picture: Image.Image) -> dict[str, str]:
    exif = picture.getexif()
    values = {**dict(exif), **exif.get_ifd(ExifTags.IFD.Exif)}
    hidden = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.Base.UserComment, ExifTags.Base.MakerNote}
    return {
        ExifTags.TAGS.get(tag, f"EXIF {tag}"): str(value)[:LONGEST]
        for tag, value in values.items()
        if tag not in hidden and not isinstance(value, bytes)
    }


def _bytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(size / 1024, 0.1):.1f} KB"
