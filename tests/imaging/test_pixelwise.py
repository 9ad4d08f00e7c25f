"""Work on pixels in bands: the same bits as Pillow's own calls, with others coming in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from scipy.ndimage import correlate1d

from modules.imaging import pixelwise
from modules.imaging.masks import blur, overlaid

SIDES = st.integers(1, 24)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of a few rows, so that small pictures have many."""
    monkeypatch.setattr(pixelwise.bands, "__defaults__", (40,))


def noise(mode: str, width: int, height: int, seed: int) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Image.fromarray(levels).convert(mode)


@settings(max_examples=60, deadline=None)
@given(mode=st.sampled_from(["L", "LA", "RGB", "RGBA", "P", "1"]), width=SIDES, height=SIDES, seed=st.integers(0, 99))
def test_bands_give_what_the_whole_picture_gives(mode: str, width: int, height: int, seed: int) -> None:
    picture = noise(mode, width, height, seed)
    whole = picture.convert("RGBA").getchannel("A")
    assert pixelwise.alpha_of(picture).tobytes() == whole.tobytes()
    assert pixelwise.is_opaque(picture) == (whole.getextrema() == (255, 255))
    assert b"".join(band.tobytes() for band in pixelwise.bands(picture)) == picture.tobytes()


@settings(max_examples=60, deadline=None)
@given(width=SIDES, height=SIDES, seed=st.integers(0, 99), dark=st.sampled_from([0.0, 0.5, 0.97, 1.0]))
def test_masks_give_what_pillow_gives(width: int, height: int, seed: int, dark: float) -> None:
    one, other = noise("L", width, height, seed), noise("L", width, height, seed + 1)
    assert pixelwise.inverted(one).tobytes() == ImageChops.invert(one).tobytes()
    assert pixelwise.lighter(one, other).tobytes() == ImageChops.lighter(one, other).tobytes()
    levels = np.asarray(one).copy()
    levels[np.random.default_rng(seed).random(levels.shape) < dark] = 0
    sparse = Image.fromarray(levels)
    assert pixelwise.extent(sparse) == sparse.getbbox()


@settings(max_examples=60, deadline=None)
@given(size=st.tuples(SIDES, SIDES), kept=st.tuples(SIDES, SIDES), seed=st.integers(0, 99))
def test_what_is_laid_over_a_picture_is_as_pillow_lays_it(
    size: tuple[int, int], kept: tuple[int, int], seed: int
) -> None:
    picture, above = noise("RGB", *size, seed), noise("RGBA", *kept, seed + 1)
    whole = picture.convert("RGBA")
    whole.alpha_composite(above)
    assert overlaid(picture, above).tobytes() == whole.convert("RGB").tobytes()


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    sigmas=st.tuples(*[st.sampled_from([0.3, 1, 4, 7.5, 64, 1000])] * 2),
    seed=st.integers(0, 99),
)
def test_a_blur_is_bit_for_bit_the_sum_in_double_precision(
    size: tuple[int, int], sigmas: tuple[float, float], seed: int
) -> None:
    from modules.imaging.masks import _gaussian  # pyright: ignore[reportPrivateUsage]

    mask = noise("L", *size, seed)
    exact = np.asarray(mask, dtype=np.float64)
    for axis, sigma in zip((1, 0), sigmas, strict=True):
        kernel = _gaussian(sigma).astype(np.float64) / 256
        exact = np.floor(correlate1d(exact, kernel, axis=axis, mode="mirror") + 0.5)
    assert np.array_equal(np.asarray(blur(mask, *sigmas)), exact.astype(np.uint8))
