"""A picture that is resized in bands is bit for bit the one that Pillow resizes at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.foundation.errors import Interrupted
from modules.imaging import resize_in_bands as bands

SIDES = st.integers(1, 60)
METHODS = [method for method in Image.Resampling if method != Image.Resampling.NEAREST]


@given(
    st.tuples(SIDES, SIDES),
    st.tuples(SIDES, SIDES),
    st.sampled_from(["RGB", "RGBA", "L", "LA", "P", "1", "F", "CMYK"]),
    st.sampled_from(METHODS),
    st.integers(1, 500),
)
def test_bands_are_not_seen(
    before: tuple[int, int], after: tuple[int, int], mode: str, method: Image.Resampling, band: int
) -> None:
    noise = np.random.default_rng(band).integers(0, 256, (before[1], before[0], 4), dtype=np.uint8)
    image = Image.fromarray(noise, "RGBA").convert("RGB" if mode in ("P", "F", "CMYK") else "RGBA").convert(mode)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands, "BAND", band)
        ours = bands.resize_in_bands(image, after, method, lambda: None)
    assert ours.mode == image.mode
    assert ours.tobytes() == image.resize(after, method).tobytes()


def test_a_large_picture_can_be_left_on_the_way() -> None:
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) > 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        bands.resize_in_bands(Image.new("RGB", (4000, 4000)), (8000, 8000), Image.Resampling.LANCZOS, check)
    assert len(calls) == 4
