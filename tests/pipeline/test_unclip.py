"""unCLIP checkpoints of Stable Diffusion 2.1 in whole runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.foundation.errors import CheckpointError
from modules.generation.request import HiresRequest
from modules.generation.result import GenerationResult
from tests.checkpoints.tiny_unclip import make_unclip_checkpoint, vision_model
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_checkpoint


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("unclip"))
    folder = studio.data / "models" / "Stable-diffusion"
    make_unclip_checkpoint(folder / "unclip.safetensors", vision_model())
    make_unclip_checkpoint(folder / "bare.safetensors", None)
    make_tiny_checkpoint(folder / "plain.safetensors", "sd2-v")
    yield studio
    studio.application.close()


def picture(angle: int = 0) -> Image.Image:
    return Image.linear_gradient("L").rotate(angle).resize((64, 64)).convert("RGB")


def make(studio: Studio, checkpoint: str, **changes: Any) -> GenerationResult:
    return studio.make(save_images=False, override_settings={"sd_model_checkpoint": checkpoint}, **changes)


def pixels(result: GenerationResult, index: int = 0) -> np.ndarray:
    return np.asarray(result.samples[index].image, dtype=np.int32)


def test_img2img_is_led_by_the_vector_of_its_picture(embedding: Studio) -> None:
    asked: dict[str, Any] = {"denoising_strength": 1.0, "steps": 4}
    one, other, same = (make(embedding, "unclip", init_images=(picture(each),), **asked) for each in (0, 90, 0))
    assert np.abs(pixels(one) - pixels(other)).max() > 3
    assert np.array_equal(pixels(one), pixels(same))


def test_each_picture_of_a_batch_has_its_own_vector(embedding: Studio) -> None:
    asked: dict[str, Any] = {"denoising_strength": 0.9, "steps": 3}
    both = make(embedding, "unclip", init_images=(picture(), picture(90)), batch_size=2, **asked)
    second = make(embedding, "unclip", init_images=(picture(90),), seed=2, **asked)
    assert np.abs(pixels(both, 1) - pixels(second)).max() <= 1


def test_from_words_alone_nothing_but_the_checkpoint_is_needed(embedding: Studio) -> None:
    assert np.array_equal(pixels(make(embedding, "bare")), pixels(make(embedding, "unclip")))
    with pytest.raises(CheckpointError, match=r"bare\.safetensors.*no image encoder"):
        make(embedding, "bare", init_images=(picture(),))


def test_second_pass_and_refiner_work(embedding: Studio) -> None:
    hires = HiresRequest(scale=2.0, upscaler="Latent")
    assert make(embedding, "unclip", hires=hires, denoising_strength=0.7).samples[0].image.size == (128, 128)
    for first, second in (("unclip", "plain"), ("plain", "unclip")):
        made = make(embedding, first, steps=4, refiner_checkpoint=second, refiner_switch_at=0.5)
        assert "Refiner" in made.samples[0].infotext


def test_lists_call_it_by_its_kind(embedding: Studio) -> None:
    (info,) = [each for each in embedding.application.catalogue.all() if each.path.stem == "unclip"]
    assert (info.family, info.variant) == ("SD2", "unclip")
