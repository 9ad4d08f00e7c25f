from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.foundation.stealth_text import MAX_TEXT, SIGNATURES, HiddenForm, hidden_text, hide_text


def noise(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    return Image.fromarray(pixels)


@given(
    st.sampled_from(list(SIGNATURES)),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.integers(40, 90),
    st.integers(40, 90),
    st.sampled_from(["RGB", "RGBA"]),
)
def test_what_was_hidden_is_found_and_no_level_changes_by_more_than_one(
    form: HiddenForm, text: str, width: int, height: int, mode: str
) -> None:
    before = noise(width, height, mode)
    after = hide_text(before, text, form)
    assert hidden_text(after) == text
    assert after.mode == ("RGBA" if form.startswith("alpha") else "RGB")
    difference = np.asarray(after.convert("RGB"), dtype=int) - np.asarray(before.convert("RGB"), dtype=int)
    assert np.abs(difference).max() <= (0 if form.startswith("alpha") else 1)


def by_hand(text: bytes, signature: bytes) -> Image.Image:
    """Written as the format is described: column by column, one bit of each pixel's alpha."""
    bits = "".join(f"{byte:08b}" for byte in signature + (len(text) * 8).to_bytes(4, "big") + text)
    image = Image.new("RGBA", (64, 50), (10, 20, 30, 255))
    pixels: Any = image.load()
    for index, bit in enumerate(bits):
        x, y = divmod(index, 50)
        pixels[x, y] = (10, 20, 30, 254 + int(bit))
    return image


def test_pictures_of_other_programs_are_read() -> None:
    assert hidden_text(by_hand(b"a cat\nSteps: 5", b"stealth_pnginfo")) == "a cat\nSteps: 5"
    assert hidden_text(by_hand(gzip.compress(b"a cat"), b"stealth_pngcomp")) == "a cat"


@pytest.mark.parametrize(
    "image",
    [
        noise(60, 60),
        noise(1, 1, "RGBA"),
        Image.new("L", (60, 60)),
        by_hand(b"\xff\xfe", b"stealth_pnginfo"),
        by_hand(b"no gzip", b"stealth_pngcomp"),
        by_hand(b"", b"stealth_pnginfo"),
        by_hand(gzip.compress(bytes(MAX_TEXT + 1))[:300], b"stealth_pngcomp"),
    ],
)
def test_where_nothing_can_be_read_there_is_none(image: Image.Image) -> None:
    assert hidden_text(image) is None


def test_a_length_beyond_the_picture_is_no_text() -> None:
    image = by_hand(b"a cat", b"stealth_pnginfo")
    pixels: Any = image.load()
    for index in range(120, 152):
        x, y = divmod(index, 50)
        pixels[x, y] = (10, 20, 30, 255)
    assert hidden_text(image) is None


def test_a_text_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="a picture of 8x8 hides 8 bytes"):
        hide_text(noise(8, 8), "a cat", "alpha")
