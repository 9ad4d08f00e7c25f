"""What no picture may become on the way to the wanted size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modules.foundation.errors import RequestError
from modules.imaging.resize import MOST_PIXELS, ResizeMode, resize

LONG = [(1, 600_000), (600_000, 1), (2, 2_000_000)]


@pytest.mark.parametrize("size", LONG)
def test_a_line_is_not_made_as_wide_as_a_picture(size: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match="another resize mode"):
        resize(Image.new("RGB", size), 512, 512, ResizeMode.CROP)


@pytest.mark.parametrize("size", LONG)
@pytest.mark.parametrize("mode", [ResizeMode.STRETCH, ResizeMode.CROP])
def test_a_line_is_not_given_to_an_upscaler(size: tuple[int, int], mode: ResizeMode) -> None:
    def upscale(image: Image.Image, factor: float) -> Image.Image:
        raise AssertionError((image.size, factor))

    with pytest.raises(RequestError, match="too large"):
        resize(Image.new("RGB", size), 512, 512, mode, upscale)


@pytest.mark.parametrize("mode", [ResizeMode.STRETCH, ResizeMode.FILL, ResizeMode.LATENT])
def test_a_line_is_stretched_or_filled_up(mode: ResizeMode) -> None:
    assert resize(Image.new("RGB", LONG[0]), 64, 32, mode).size == (64, 32)


@given(
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.sampled_from(ResizeMode),
)
@settings(max_examples=60, deadline=None)
def test_ordinary_proportions_come_to_the_size(
    size: tuple[int, int], wanted: tuple[int, int], mode: ResizeMode
) -> None:
    assert max(size) * max(wanted) ** 2 <= MOST_PIXELS * 2
    if mode != ResizeMode.CROP or max(wanted) ** 2 * max(size) / min(size) <= MOST_PIXELS:
        assert resize(Image.new("L", size), *wanted, mode).size == wanted
