"""The name of a picture's pixels."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.imaging.pixel_hash import pixel_hash
from modules.imaging.pixelwise import BAND


def noise(size: tuple[int, int], mode: str, seed: int) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    state = (seed * 2654435761 + 1) % 2**32
    data = bytearray()
    for _ in range(size[0] * size[1] * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        data.append(state >> 24)
    return Image.frombytes(mode, size, bytes(data))


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(("RGB", "RGBA", "L")), st.integers(0, 99))
def test_a_png_has_the_hash_of_what_was_saved(width: int, height: int, mode: str, seed: int) -> None:
    picture = noise((width, height), mode, seed)
    file = io.BytesIO()
    picture.save(file, "PNG")
    with Image.open(file) as again:
        assert pixel_hash(again) == pixel_hash(picture)


@given(st.integers(0, 99))
def test_alpha_counts_only_where_something_shows_through(seed: int) -> None:
    picture = noise((6, 5), "RGB", seed)
    opaque = picture.convert("RGBA")
    assert pixel_hash(opaque) == pixel_hash(picture)
    opaque.putpixel((2, 2), (1, 2, 3, 254))
    assert pixel_hash(opaque) != pixel_hash(picture)
    assert pixel_hash(noise((6, 5), "L", seed).convert("RGB")) == pixel_hash(noise((6, 5), "L", seed))


def test_size_and_every_pixel_count() -> None:
    tall = Image.new("RGB", (2, BAND + 1), "teal")
    named = {pixel_hash(tall), pixel_hash(Image.new("RGB", (BAND + 1, 2), "teal"))}
    tall.putpixel((1, BAND), (0, 0, 0))
    assert len({*named, pixel_hash(tall)}) == 3
