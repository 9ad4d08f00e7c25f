"""Large AVIF pictures are unpacked in another process, and come out the same."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from modules.foundation import avif
from modules.foundation.picture_file import UNREADABLE, open_picture

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


def packed(image: Image.Image, **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "AVIF", speed=10, **more)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_pixels_and_texts_are_those_of_pillow(mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = Image.linear_gradient("L").resize((90, 70)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((90, 70)))
    exif = Image.Exif()
    exif[0x010E] = "a cat"
    (tmp_path / "a.avif").write_bytes(packed(image, exif=exif))
    with open_picture(tmp_path / "a.avif") as here:
        expected = np.asarray(here)
    monkeypatch.setattr(avif, "SMALL", 0)
    calls: list[int] = []
    frame = avif._Elsewhere.get_frame
    monkeypatch.setattr(avif._Elsewhere, "get_frame", lambda self, number: calls.append(number) or frame(self, number))
    for source in (tmp_path / "a.avif", (tmp_path / "a.avif").read_bytes()):
        with open_picture(source) as there:
            assert (there.mode, there.size, there.getexif()[0x010E]) == (mode, (90, 70), "a cat")
            assert np.array_equal(np.asarray(there), expected)
    assert calls == [0, 0]


def test_a_damaged_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avif, "SMALL", 0)
    data = bytearray(packed(Image.effect_noise((64, 64), 90).convert("RGB")))
    data[-200:] = bytes(200)
    with pytest.raises(UNREADABLE):
        picture = open_picture(bytes(data[:-100]))
        picture.load()


def test_pillow_is_changed_once() -> None:
    from PIL import AvifImagePlugin

    avif.unpack_elsewhere()
    factory = Image.OPEN["AVIF"][0]
    avif.unpack_elsewhere()
    assert Image.OPEN["AVIF"][0] is factory
    assert factory is not AvifImagePlugin.AvifImageFile
