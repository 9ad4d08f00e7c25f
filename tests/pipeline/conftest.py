from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.application.application import Application
from modules.application.jobs.job import Job
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.settings.flags import parse_flags
from tests.tiny_models import make_tiny_sd1


class Studio:
    """A real application over a tiny checkpoint, and short ways to ask it for small pictures."""

    def __init__(self, data: Path) -> None:
        self.data = data
        make_tiny_sd1(data / "models" / "Stable-diffusion" / "tiny.safetensors")
        self.application = Application(parse_flags(["--data-dir", str(data), "--no-half", "--use-cpu", "all"]))

    def submit(self, **changes: Any) -> Job:
        asked: dict[str, Any] = {
            "prompt": "a cat",
            "seed": 1,
            "steps": 2,
            "width": 64,
            "height": 64,
            "sampler": "Euler",
        }
        override = {"sd_model_checkpoint": "tiny", **changes.pop("override_settings", {})}
        return self.application.submit(GenerationRequest(**{**asked, **changes}, override_settings=override))

    def make(self, **changes: Any) -> GenerationResult:
        return self.submit(**changes).wait(120)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.application.close()
