from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modules.application.application import Application
from modules.generation.progress import RunControl
from modules.settings.flags import parse_flags
from modules.training.options import TrainingOptions
from modules.training.results import TrainingResult
from modules.training.run import train
from tests.tiny_models import Family, make_tiny_checkpoint


def put_pictures(folder: Path, count: int = 3, size: tuple[int, int] = (64, 64)) -> Path:
    """Pictures of noise with captions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        (folder / f"{number:02}.txt").write_text(f"red cat, tag {number}", "utf-8")
    return folder


class School:
    """A real engine over a tiny checkpoint, and a short way to train on it."""

    def __init__(self, data: Path, family: Family = "sd1") -> None:
        self.data = data
        make_tiny_checkpoint(data / "models" / "Stable-diffusion" / "tiny.safetensors", family)
        self.pictures = put_pictures(data / "pictures")
        self.app = Application(parse_flags(["--data-dir", str(data), "--no-half", "--use-cpu", "all", "--no-hashing"]))

    def options(self, kind: str = "lora", name: str = "new", **parts: object) -> TrainingOptions:
        """Options from nested tables; a dataset of 64 x 64 pixels and few steps unless they say otherwise."""
        tables = json.loads(json.dumps(parts, default=str))
        dataset = {"folder": str(self.pictures), "width": 64, "height": 64, **tables.pop("dataset", {})}
        steps = {"steps": 4, "learning_rate": "1e-3", **tables.pop("steps", {})}
        return TrainingOptions.model_validate(
            {"kind": kind, "name": name, "checkpoint": "tiny", "dataset": dataset, "steps": steps, **tables}
        )

    def train(self, options: TrainingOptions, control: RunControl | None = None) -> TrainingResult:
        return train(options, self.app.engine, control or RunControl(), self.app.settings.current)

    def weights(self) -> dict[str, torch.Tensor]:
        """Every number of the checkpoint in memory."""
        checkpoint = self.app.engine.load(self.app.catalogue.find("tiny")).checkpoint
        parts = {"unet": checkpoint.unet, "vae": checkpoint.vae}
        parts |= {f"text{number}": text for number, text in enumerate(checkpoint.text_models)}
        return {f"{n}.{key}": tensor.clone() for n, part in parts.items() for key, tensor in part.state_dict().items()}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    yield school
    school.app.close()
