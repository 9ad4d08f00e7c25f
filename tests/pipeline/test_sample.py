from __future__ import annotations

from typing import Any

import numpy as np

from tests.pipeline.conftest import Studio


def test_attention_is_computed_as_the_settings_say_and_an_unknown_way_is_told(studio: Studio) -> None:
    def made(name: str) -> tuple[np.ndarray[Any, Any], tuple[str, ...]]:
        settings = {"cross_attention_optimization": name}
        result = studio.make(save_images=False, override_settings=settings)
        return np.asarray(result.samples[0].image).astype(int), tuple(result.warnings)

    before, _ = made("Automatic")
    for name in ("Doggettx", "sdp-no-mem - scaled dot product without memory efficient attention", "None"):
        picture, warnings = made(name)
        assert np.abs(picture - before).max() <= 1
        assert warnings == ()
    unknown, warnings = made("xformers")
    assert np.array_equal(unknown, before)
    assert "no way to compute attention called 'xformers'" in warnings[0]
