from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from modules.hardware.fp8 import FP8
from modules.infotext.parse import parse
from tests.pipeline.conftest import Studio


@pytest.fixture
def settings_put_back(studio: Studio) -> Iterator[None]:
    yield
    studio.application.settings.change({"fp8_storage": "Disable", "cache_fp16_weight": False}, save=False)


@pytest.mark.usefixtures("settings_put_back")
def test_weights_in_8_bits_come_and_go_with_the_setting_bit_for_bit(studio: Studio) -> None:
    def pixels() -> np.ndarray:
        return np.asarray(studio.make(save_images=False).samples[0].image).astype(int)

    def types() -> set[torch.dtype]:
        model = studio.application.engine.model
        assert model is not None
        return {parameter.dtype for parameter in model.checkpoint.unet.parameters()}

    before = pixels()
    studio.application.settings.change({"fp8_storage": "Enable for SDXL"}, save=False)
    assert np.array_equal(pixels(), before)
    assert FP8 not in types()
    assert "FP8 weight" not in parse(studio.make(save_images=False).samples[0].infotext).fields
    studio.application.settings.change({"fp8_storage": "Enable"}, save=False)
    stored = pixels()
    assert FP8 in types()
    assert not np.array_equal(stored, before)
    assert np.abs(stored - before).mean() < 24
    studio.application.settings.change({"cache_fp16_weight": True}, save=False)
    assert np.array_equal(pixels(), stored)
    written = parse(studio.make(save_images=False).samples[0].infotext).fields
    assert (written["FP8 weight"], written["Cache FP16 weight for LoRA"]) == ("Enable", "True")
    studio.application.settings.change({"fp8_storage": "Disable"}, save=False)
    assert np.array_equal(pixels(), before)
    assert FP8 not in types()
