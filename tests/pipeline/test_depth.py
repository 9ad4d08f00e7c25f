"""Depth checkpoints of Stable Diffusion 2 in whole runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.foundation.errors import RequestError
from modules.generation.request import HiresRequest
from modules.generation.result import GenerationResult
from tests.checkpoints.tiny_depth import depth_model, make_depth_checkpoint, write_midas
from tests.pipeline.conftest import Studio


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("deep"))
    folder = studio.data / "models" / "Stable-diffusion"
    make_depth_checkpoint(folder / "deep.safetensors", depth_model())
    make_depth_checkpoint(folder / "bare.safetensors", None)
    yield studio
    studio.application.close()


def picture(angle: int = 0) -> Image.Image:
    return Image.linear_gradient("L").rotate(angle).resize((64, 64)).convert("RGB")


def make(studio: Studio, checkpoint: str, **changes: Any) -> GenerationResult:
    override = {"sd_model_checkpoint": checkpoint}
    return studio.make(save_images=False, override_settings=override, **changes)


def pixels(result: GenerationResult, index: int = 0) -> np.ndarray:
    return np.asarray(result.samples[index].image, dtype=np.int32)


def test_img2img_follows_the_depth_of_its_picture(deep: Studio) -> None:
    full = {"denoising_strength": 1.0, "steps": 4}
    one, other = (make(deep, "deep", init_images=(picture(angle),), **full) for angle in (0, 90))
    same = make(deep, "deep", init_images=(picture(),), **full)
    nothing = make(deep, "deep", steps=4)
    assert np.abs(pixels(one) - pixels(other)).max() > 3
    assert np.array_equal(pixels(one), pixels(same))
    assert np.abs(pixels(one) - pixels(nothing)).max() > 3


def test_a_batch_of_two_pictures_has_the_depth_of_each(deep: Studio) -> None:
    asked: dict[str, Any] = {"denoising_strength": 0.9, "steps": 3}
    both = make(deep, "deep", init_images=(picture(), picture(90)), batch_size=2, **asked)
    second = make(deep, "deep", init_images=(picture(90),), **asked, **{"seed": 2})
    assert np.abs(pixels(both, 1) - pixels(second)).max() <= 1


def test_the_second_pass_sees_the_picture_of_the_first(deep: Studio) -> None:
    hires = HiresRequest(scale=2.0, upscaler="Latent")
    assert make(deep, "deep", hires=hires, denoising_strength=0.7).samples[0].image.size == (128, 128)


def test_without_a_picture_no_depth_model_is_needed(deep: Studio) -> None:
    assert make(deep, "bare").samples
    with pytest.raises(RequestError, match=r"bare.*MiDaS.*models.midas"):
        make(deep, "bare", init_images=(picture(),))
    assert make(deep, "deep", init_images=(picture(),)).samples


def test_the_file_of_midas_serves_checkpoints_without_their_own(deep: Studio) -> None:
    path = write_midas(deep.data / "models" / "midas" / "dpt_hybrid-midas-501f0c75.pt", depth_model())
    asked: dict[str, Any] = {"init_images": (picture(),), "denoising_strength": 0.8}
    assert np.array_equal(pixels(make(deep, "bare", **asked)), pixels(make(deep, "deep", **asked)))
    path.unlink()


def test_lists_call_it_by_its_kind(deep: Studio) -> None:
    (info,) = [each for each in deep.application.catalogue.all() if each.path.stem == "deep"]
    assert (info.family, info.variant) == ("SD2", "depth")
