from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from modules.foundation.errors import EaselError
from modules.foundation.stealth_text import hidden_text
from modules.imaging.encode import PictureText, encode
from modules.imaging.strip import without_metadata


def exif() -> bytes:
    made = Image.Exif()
    made[0x010E] = "secret description"
    return made.tobytes()


SECRET = PictureText(
    text="secret", chunks={"parameters": "secret", "ünicode": "secret \u2603"}, exif=exif(), exif_in_png=True
)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("extension", ["png", "jpg", "webp"])
def test_what_a_file_says_goes_and_its_pixels_stay(extension: str, mode: str) -> None:
    image = Image.effect_noise((70, 50), 90).convert(mode)
    data = encode(image, extension, text=SECRET)
    assert b"secret" in data
    bare, suffix = without_metadata(data, f".{extension}")
    assert suffix == f".{extension}"
    assert b"secret" not in bare
    assert len(bare) < len(data)
    assert np.array_equal(np.asarray(opened(bare)), np.asarray(opened(data)))
    assert dict(opened(bare).getexif()) == {}


def test_comments_and_xmp_go_and_the_colour_profile_stays() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", comment=b"secret", xmp=b"<secret/>", icc_profile=b"profile" * 20)
    bare, _ = without_metadata(buffer.getvalue(), ".jpg")
    assert b"secret" not in bare
    assert opened(bare).info["icc_profile"] == b"profile" * 20


def test_a_text_that_is_hidden_in_the_pixels_goes_too() -> None:
    image = Image.effect_noise((80, 60), 90).convert("RGB")
    for form in ("rgb", "alpha compressed"):
        data = encode(image, "png", text=PictureText(text="secret", hidden=form))
        assert hidden_text(opened(data)) == "secret"
        bare, _ = without_metadata(data, ".png")
        assert hidden_text(opened(bare)) is None
        difference = np.asarray(opened(bare).convert("RGB"), dtype=int) - np.asarray(image, dtype=int)
        assert np.abs(difference).max() <= 1


def test_other_formats_become_a_png_and_what_is_no_picture_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("P", (8, 8)).save(buffer, "GIF", comment=b"secret")
    bare, suffix = without_metadata(buffer.getvalue(), ".gif")
    assert suffix == ".png"
    assert b"secret" not in bare
    assert opened(bare).size == (8, 8)
    for data in (b"", b"nothing", b"\x89PNG\r\n\x1a\n", encode(Image.new("RGB", (8, 8)), "png")[:30]):
        with pytest.raises(EaselError, match="cannot be read as a picture"):
            without_metadata(data, ".png")
