from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from modules.a1111.dialect import A1111Dialect
from modules.a1111.start import BUILT_IN, SCRIPTS
from modules.application.application import Application
from modules.application.jobs.job import Job
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from tests.parity.replay import make_data, start


@dataclass
class Scripts:
    """An Easel with the tiny models and its own scripts, and a short way to ask for one of them."""

    application: Application
    dialect: A1111Dialect

    def submit(self, script: str, *arguments: Any, **changes: Any) -> Job[Any]:
        asked: dict[str, Any] = {
            "prompt": "a photo of a cat",
            "seed": 1,
            "steps": 2,
            "width": 64,
            "height": 64,
            "sampler": "Euler",
            "save_images": False,
            "save_grid": False,
        }
        found = self.application.registries.scripts.find(script)
        assert found is not None
        given = {found.name: found.with_defaults(arguments)}
        return self.application.submit(
            GenerationRequest(**{**asked, **changes}, script=found.name, script_arguments=given)
        )

    def make(self, script: str, *arguments: Any, **changes: Any) -> GenerationResult:
        return self.submit(script, *arguments, **changes).wait(300)


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    application = start(make_data(tmp_path_factory.mktemp("scripts") / "data"))
    application.settings.change({"return_grid": True}, save=False)
    dialect = A1111Dialect(application)
    dialect.install({BUILT_IN: SCRIPTS})

    async def draw() -> None:
        # Outside a running event loop Gradio makes loops of its own and leaves them open.
        dialect.draw_offline()

    asyncio.run(draw())
    yield Scripts(application, dialect)
    dialect.close()
    application.close()


@pytest.fixture
def picture() -> Image.Image:
    return Image.effect_noise((72, 64), 60).convert("RGB")
