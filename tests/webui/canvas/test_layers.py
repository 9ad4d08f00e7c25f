"""Pictures, paint and masks: what is not painted stays as it was, whatever the picture is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.foundation.errors import RequestError
from modules.webui.canvas.layers import colours_and_mask, grown, mask_of, painted_over

SIZE = (24, 16)
MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")


def picture(mode: str) -> Image.Image:
    levels = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 4), dtype=np.uint8)
    return Image.fromarray(levels).convert("L" if mode == "I;16" else mode).convert(mode)


def paint(alpha: int = 255) -> Image.Image:
    made = Image.new("RGBA", SIZE)
    made.paste((255, 0, 0, alpha), (4, 4, 12, 12))
    return made


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_grows_by_its_own_edge(mode: str) -> None:
    before = picture(mode)
    after = grown(before, (8, 0, 16, 24))
    assert after.size == (SIZE[0] + 24, SIZE[1] + 24)
    inner = after.crop((8, 0, 8 + SIZE[0], SIZE[1]))
    assert np.array_equal(np.asarray(inner), np.asarray(grown(before, (0, 0, 0, 1)).crop((0, 0, *SIZE))))
    assert after.getpixel((0, 3)) == inner.getpixel((0, 3))
    assert grown(before, (0, 0, 0, 0)) is before


@pytest.mark.parametrize("mode", MODES)
def test_colours_cover_what_is_painted_alone(mode: str) -> None:
    before = picture(mode)
    after = painted_over(before, paint())
    plain = painted_over(before, Image.new("RGBA", SIZE))
    assert after.convert("RGB").getpixel((5, 5)) == (255, 0, 0)
    outside = np.asarray(paint())[..., 3] == 0
    assert np.array_equal(np.asarray(after)[outside], np.asarray(plain)[outside])
    if mode == "RGB":
        assert np.array_equal(np.asarray(plain), np.asarray(before))


@given(st.integers(0, 255))
def test_a_mask_is_black_and_white_unless_it_was_painted_softly(alpha: int) -> None:
    hard = mask_of(paint(alpha), SIZE, (0, 0, 0, 0), soft=False)
    soft = mask_of(paint(alpha), SIZE, (0, 0, 0, 0), soft=True)
    assert hard.getpixel((5, 5)) == (255 if alpha > 128 else 0)
    assert soft.getpixel((5, 5)) == alpha
    assert hard.getpixel((20, 5)) == soft.getpixel((20, 5)) == 0


def test_the_frame_is_masked_all_over() -> None:
    mask = mask_of(None, (40, 30), (8, 0, 8, 14), soft=False)
    assert mask.getbbox() == (0, 0, 40, 30)
    assert mask.crop((8, 0, 32, 16)).getbbox() is None
    whole = mask_of(paint().resize((40, 30)), (40, 30), (8, 0, 8, 14), soft=False)
    assert whole.getpixel((12, 9)) == 255


@given(st.integers(0, 100))
def test_transparency_takes_from_the_mask_and_from_the_colours(transparency: int) -> None:
    before = picture("RGB")
    coloured, mask = colours_and_mask(before, paint(), transparency=transparency, blurred=0)
    level = round(255 * (1 - transparency / 100))
    assert mask.getpixel((5, 5)) == level
    red = np.asarray(before)[5, 5] + (np.array([255, 0, 0]) - np.asarray(before)[5, 5]) * (level / 255)
    assert np.allclose(np.asarray(coloured)[5, 5], red, atol=1)
    assert np.array_equal(np.asarray(coloured)[0], np.asarray(before)[0])


def test_a_frame_does_not_make_a_picture_of_gigabytes() -> None:
    with pytest.raises(RequestError, match="16384x16385"):
        grown(Image.new("RGB", (16384, 1)), (0, 8192, 0, 8192))
