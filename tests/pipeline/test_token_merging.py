from __future__ import annotations

import numpy as np

from tests.pipeline.conftest import Studio


def test_token_merging_is_entered_written_down_and_left(studio: Studio) -> None:
    def pixels(**settings: float) -> tuple[np.ndarray, str]:
        image = studio.make(width=128, height=128, save_images=False, override_settings=settings).samples[0]
        return np.asarray(image.image), image.infotext

    before, _ = pixels()
    merged, text = pixels(token_merging_ratio=0.5)
    after, _ = pixels()
    assert "Token merging ratio: 0.5" in text
    assert not np.array_equal(merged, before)
    assert np.array_equal(after, before)
