from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image

from modules.foundation import picture_file
from modules.foundation.picture_file import UNREADABLE, forbid_ghostscript, open_picture
from modules.imaging.resize import with_colours
from modules.infotext.picture_metadata import MAX_TEXT, read_picture_metadata

PICTURE = Image.new("RGB", (12, 8), (200, 10, 30))


EVERY_CHECK = cast("list[HealthCheck]", list(HealthCheck))


def _saved(name: str, picture: Image.Image = PICTURE) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, name)
    return buffer.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that says it is so large and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100))
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"])
def test_the_formats_that_people_keep_pictures_in_are_read(tmp_path: Path, name: str) -> None:
    data = _saved(name)
    path = tmp_path / "a.picture"
    path.write_bytes(data)
    for source in (data, path, str(path), io.BytesIO(data)):
        with open_picture(source, 96) as picture:
            picture.load()
            assert (picture.format, picture.size) == (name, (12, 8))


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


def _others() -> dict[str, bytes]:
    inside = _png(60_000, 60_000)
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inside), 22) + inside
    made = {name: _saved(name) for name in ("PPM", "TGA", "ICO", "PCX", "SGI", "PDF", "EPS", "IM", "DDS")}
    return {**made, "a PostScript program": EPS, "an icon with a huge PNG": icon, "text": b"hello", "nothing": b""}


@pytest.mark.parametrize("name", _others())
def test_other_formats_are_refused_by_what_is_read(name: str) -> None:
    with pytest.raises(ValueError, match="no PNG, JPEG, WebP, AVIF, GIF, TIFF or BMP file"):
        open_picture(_others()[name])


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2), (4000, 4000)])
def test_a_picture_larger_than_allowed_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="pixels"):
        open_picture(_png(*size), 10_000_000)


def test_a_picture_of_a_hundred_thousand_frames_is_refused() -> None:
    frames = _chunk(b"acTL", struct.pack(">II", 100_000, 0))
    with pytest.raises(ValueError, match="frames"):
        open_picture(_png(8, 8, frames))


@given(st.sampled_from(["PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"]), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)
def test_a_damaged_picture_raises_what_is_known(name: str, data: st.DataObject) -> None:
    whole = _saved(name)
    where = data.draw(st.integers(0, len(whole)))
    damaged = whole[:where] + data.draw(st.binary(max_size=8)) + whole[where + data.draw(st.integers(0, 8)) :]
    try:
        with open_picture(damaged, 1_000_000) as picture:
            picture.load()
    except UNREADABLE:
        pass


@pytest.mark.parametrize("key", ["parameters", "Comment", "workflow"])
def test_a_text_of_millions_of_characters_in_a_picture_is_left_out(key: str) -> None:
    data = _png(8, 8, _chunk(b"tEXt", key.encode() + b"\0" + b"a" * (10 * MAX_TEXT)), _chunk(b"tEXt", b"Title\0a cat"))
    carried = read_picture_metadata(data)
    assert (carried.infotext, carried.others) == (None, {"Title": "a cat"})


def test_ghostscript_is_started_by_no_one() -> None:
    forbid_ghostscript()
    assert not EpsImagePlugin.has_ghostscript()
    with pytest.raises(OSError, match="Ghostscript"), Image.open(io.BytesIO(EPS)) as picture:
        picture.load()


def test_pictures_come_in_by_this_door_alone() -> None:
    modules = Path(picture_file.__file__).parents[1]
    opening = [
        path.relative_to(modules).as_posix()
        for path in modules.rglob("*.py")
        if re.search(r"\bImage\.open\(", path.read_text(encoding="utf-8"))
    ]
    # A band of a file that was made here.
    assert sorted(opening) == ["foundation/picture_file.py", "imaging/rows.py"]


def test_a_picture_in_colours_that_cannot_be_turned_into_red_green_and_blue_is_refused() -> None:
    file = io.BytesIO()
    Image.new("LAB", (8, 8)).save(file, "TIFF")
    with pytest.raises(ValueError, match="LAB"):
        open_picture(file.getvalue())


@pytest.mark.parametrize("mode", sorted(picture_file.MODES - {"I;16L", "I;16N", "RGBX"}))
def test_every_other_kind_of_picture_becomes_red_green_and_blue(mode: str) -> None:
    assert with_colours(Image.new(mode, (8, 8))).mode in ("RGB", "RGBA")


def test_an_unpacked_webp_is_the_same_picture_without_its_decoder() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a cat"
    buffer = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(buffer, "WEBP", exif=exif, icc_profile=b"profile")
    opened = picture_file.open_picture(buffer.getvalue())
    plain = picture_file.unpack(opened)
    assert type(plain) is Image.Image
    assert (plain.format, plain.mode, plain.info) == ("WEBP", opened.mode, opened.info)
    assert plain.getexif()[0x010E] == "a cat"
    assert plain.tobytes() == opened.tobytes()


def test_other_pictures_are_unpacked_where_they_are() -> None:
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "PNG")
    opened = picture_file.open_picture(buffer.getvalue())
    assert picture_file.unpack(opened) is opened
    assert opened.tobytes() == Image.radial_gradient("L").tobytes()
