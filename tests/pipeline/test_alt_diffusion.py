"""Alt-Diffusion in whole runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from modules.foundation.errors import CheckpointError
from modules.generation.result import GenerationResult
from tests.pipeline.conftest import Studio
from tests.text_encoders.tiny_xlmr import make_alt_checkpoint, series_model, write_tokenizer


@pytest.fixture(scope="module")
def alt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("alt"))
    folder = studio.data / "models" / "Stable-diffusion"
    for form in ("m9", "m18"):
        make_alt_checkpoint(folder / f"alt-{form}.safetensors", series_model(form), form)
    yield studio
    studio.application.close()


def make(studio: Studio, checkpoint: str, prompt: str) -> GenerationResult:
    return studio.make(prompt=prompt, save_images=False, override_settings={"sd_model_checkpoint": checkpoint})


def test_both_forms_make_pictures_once_their_tokenizer_is_there(alt: Studio) -> None:
    folder = alt.data / "models" / "Stable-diffusion"
    with pytest.raises(CheckpointError, match=r"alt-m9\.safetensors.*tokenizer\.json"):
        make(alt, "alt-m9", "a cat")
    write_tokenizer(folder / "tokenizer.json")
    for form in ("m9", "m18"):
        one, other = (np.asarray(make(alt, f"alt-{form}", text).samples[0].image) for text in ("猫", "кошка"))
        assert not np.array_equal(one, other)
    (info,) = [each for each in alt.application.catalogue.all() if each.path.stem == "alt-m18"]
    assert info.family == "Alt-Diffusion"
