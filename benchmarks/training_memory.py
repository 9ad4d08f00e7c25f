"""The greatest memory of a process that trains a LoRA on a full-size Stable Diffusion 1.5, and the time of a step."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.memory import peak
from benchmarks.random_checkpoint import write_random_checkpoint
from modules.application.application import Application
from modules.generation.progress import RunControl
from modules.settings.flags import parse_flags
from modules.training.options import TrainingOptions


def main() -> None:
    """Train so many steps at 512 x 512 with checkpointed gradients in bfloat16, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--without-checkpointing", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        write_random_checkpoint(data / "models" / "Stable-diffusion" / "random.safetensors", seed=1)
        (data / "pictures").mkdir()
        pixels = np.random.default_rng(1).integers(0, 255, (options.side, options.side, 3), np.uint8)
        Image.fromarray(pixels).save(data / "pictures" / "a cat.png")
        app = Application(parse_flags(["--data-dir", folder, "--use-cpu", "all", "--no-hashing"]))
        print(json.dumps({"seconds": round(_trained(app, data, options), 1), "peak_bytes": peak()}))
        app.close()


def _trained(app: Application, data: Path, options: argparse.Namespace) -> float:
    from modules.training.run import train

    training = TrainingOptions.model_validate(
        {
            "kind": "lora",
            "name": "memory",
            "checkpoint": "random",
            "dataset": {"folder": str(data / "pictures"), "width": options.side, "height": options.side},
            "steps": {
                "steps": options.steps,
                "precision": "bf16",
                "gradient_checkpointing": not options.without_checkpointing,
            },
            "lora": {"rank": 16, "text_encoder": True},
        }
    )
    began = time.perf_counter()
    train(training, app.engine, RunControl(), app.settings.current)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
