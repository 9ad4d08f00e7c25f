"""Hires fix and the refiner, on tiny checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modules.foundation.errors import RequestError, UnknownName
from modules.generation.request import HiresRequest
from modules.generation.result import FinishedImage
from modules.hooks.points import RunEvent
from modules.infotext.parse import parse
from modules.sampling.latent_upscale import LATENT_UPSCALERS, crop_latents, upscale_latents
from tests.parity import make_tiny
from tests.pipeline.conftest import Studio
from tests.tiny_models import make_tiny_sd1


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Any:
    studio = Studio(tmp_path_factory.mktemp("hires"))
    make_tiny_sd1(studio.data / "models" / "Stable-diffusion" / "second.safetensors", seed=5)
    studio.application.settings.change({"live_previews_enable": False}, save=False)
    yield studio
    studio.application.close()


def _hires(studio: Studio, **changes: Any) -> FinishedImage:
    asked = {key: changes.pop(key) for key in [*changes] if key in HiresRequest.__dataclass_fields__ and key != "steps"}
    asked["steps"] = changes.pop("hires_steps", 0)
    changes = {"denoising_strength": 0.5, "save_images": False, **changes}
    return studio.make(hires=HiresRequest(**asked), **changes).samples[0]


def _pixels(image: FinishedImage) -> np.ndarray:
    return np.asarray(image.image, dtype=np.int32)


@pytest.mark.parametrize("upscaler", [*LATENT_UPSCALERS, "None", "Lanczos", "Nearest"])
def test_every_upscaler_leads_to_a_picture_of_the_second_size(studio: Studio, upscaler: str) -> None:
    image = _hires(studio, upscaler=upscaler, scale=1.5, steps=1, hires_steps=1)
    assert image.image.size == (96, 96)
    assert parse(image.infotext).fields["Hires upscaler"] == upscaler
