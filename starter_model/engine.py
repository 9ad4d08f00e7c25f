"""Pictures by the product's own engine, for measuring the file that is shipped."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modules.application.application import Application
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.settings.flags import parse_flags


class Maker:
    """Makes pictures with one checkpoint, on the calling thread, saving none."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def make(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        negative: str = "",
        size: int = 256,
        init: Sequence[np.ndarray] = (),
        strength: float | None = None,
        **fields: Any,
    ) -> list[np.ndarray]:
        """One uint8 picture [size, size, 3] per prompt, Euler, 20 steps, CFG 5; with `init` from those pictures."""
        from modules.pipeline.run import run

        usual = {"sampler": "Euler", "steps": 20, "cfg_scale": 5.0, "save_images": False, "save_grid": False}
        made: list[np.ndarray] = []
        for i, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
            request = GenerationRequest(
                prompt=prompt,
                negative_prompt=negative,
                seed=seed,
                width=size,
                height=size,
                init_images=(Image.fromarray(init[i]),) if len(init) else (),
                denoising_strength=strength,
                **{**usual, **fields},
            )
            result = run(request, self._application.engine, RunControl())
            made.append(np.asarray(result.samples[0].image.convert("RGB")))
        return made


@contextmanager
def maker(model: Path) -> Iterator[Maker]:
    """A `Maker` of a checkpoint file, with settings as they come and a folder of its own."""
    if not model.is_file():
        raise FileNotFoundError(f"{model} is no file; export one with python -m starter_model export")
    with tempfile.TemporaryDirectory() as folder:
        application = Application(parse_flags(["--data-dir", folder, "--ckpt", str(model.absolute())]))
        try:
            yield Maker(application)
        finally:
            application.close()
