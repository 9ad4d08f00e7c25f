from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.a1111.dialect import A1111Dialect
from modules.application.application import Application
from modules.application.jobs.job import Job
from modules.generation.request import GenerationRequest
from modules.generation.result import GenerationResult
from modules.settings.flags import parse_flags
from tests.tiny_models import make_tiny_sd1


class Stage:
    """An application with the dialect and the scripts of a test, and short ways to ask it for small pictures."""

    def __init__(self, data: Path, sources: dict[str, str], *, drawn: bool = True) -> None:
        self.data = data
        make_tiny_sd1(data / "models" / "Stable-diffusion" / "tiny.safetensors")
        folder = data / "extensions" / "some" / "scripts"
        folder.mkdir(parents=True)
        for name, source in sources.items():
            (folder / name).write_text(source, encoding="utf-8")
        self.application = Application(parse_flags(["--data-dir", str(data), "--no-half", "--use-cpu", "all"]))
        self.dialect = A1111Dialect(self.application)
        self.dialect.install({"some": folder.parent})

        async def draw() -> None:
            # Outside a running event loop Gradio makes loops of its own and leaves them open.
            self.dialect.draw_offline()

        if drawn:
            asyncio.run(draw())

    def submit(self, **changes: Any) -> Job[Any]:
        asked: dict[str, Any] = {
            "prompt": "a cat",
            "seed": 1,
            "steps": 2,
            "width": 64,
            "height": 64,
            "sampler": "Euler",
            "override_settings": {"sd_model_checkpoint": "tiny"},
        }
        return self.application.submit(GenerationRequest(**{**asked, **changes}))

    def make(self, **changes: Any) -> GenerationResult:
        return self.submit(**changes).wait(120)

    def close(self) -> None:
        self.dialect.close()
        self.application.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def make(**sources: str) -> Stage:
        stages.append(Stage(tmp_path / str(len(stages)), {f"{name}.py": text for name, text in sources.items()}))
        return stages[-1]

    yield make
    for each in stages:
        each.close()
