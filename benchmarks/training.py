"""Does training teach? A figure that no word of the starter model's world names, judged as the model itself is.

An embedding and a LoRA learn it from twenty pictures that the renderer draws. Then fifty prompts with the new word are
judged, before and after, and fifty without it, which must be drawn as before.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from modules.application.application import Application
from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.settings.flags import parse_flags
from modules.settings.paths import PROGRAM_FOLDER
from modules.training.options import TrainingOptions
from starter_model.evaluate import bar_prompts, score
from starter_model.judge import _normalised as normalised
from starter_model.judge import judge
from starter_model.world import COLOURS, colour_value

WORD = "zuvo"
PICTURES = 20
SIDE = 256

COLOUR = "white"
"""Of the figure: it is a thing, and has its looks. What is asked for are the other colours behind it."""

BACKGROUNDS = [name for name in COLOURS if name != COLOUR]

SHAPES: dict[str, list[tuple[float, float]]] = {
    "kite": [(0, -1), (0.8, -0.35), (0, 1), (-0.8, -0.35)],
    "arrow": [(0, -1), (0.95, 0.05), (0.4, 0.05), (0.4, 1), (-0.4, 1), (-0.4, 0.05), (-0.95, 0.05)],
    "hourglass": [(-0.85, -1), (0.85, -1), (0.2, 0), (0.85, 1), (-0.85, 1), (-0.2, 0)],
    "dome": [(math.cos(a), 0.5 - 1.2 * math.sin(a)) for a in np.linspace(0, math.pi, 33)],
    "cup": [(-0.95, -0.9), (-0.3, -0.9), (-0.3, 0.2), (0.3, 0.2), (0.3, -0.9), (0.95, -0.9), (0.95, 0.9), (-0.95, 0.9)],
    "tee": [
        (-0.95, -0.9),
        (0.95, -0.9),
        (0.95, -0.2),
        (0.35, -0.2),
        (0.35, 0.95),
        (-0.35, 0.95),
        (-0.35, -0.2),
        (-0.95, -0.2),
    ],
}


def drawn(shape: str, colour: str, background: str, *, x: float, y: float, size: float) -> Image.Image:
    """The figure as the renderer draws its own: four times supersampled."""
    picture = Image.new("RGB", (SIDE * 4, SIDE * 4), colour_value(background))
    points = [((x + size * px) * SIDE * 4, (y + size * py) * SIDE * 4) for px, py in SHAPES[shape]]
    ImageDraw.Draw(picture).polygon(points, fill=colour_value(colour))
    return picture.reduce(4)


def template(shape: str) -> np.ndarray:
    """The figure's outline, for the judge."""
    mask = Image.new("L", (1024, 1024), 0)
    ImageDraw.Draw(mask).polygon([(512 + 410 * x, 512 + 410 * y) for x, y in SHAPES[shape]], fill=255)
    return normalised(np.asarray(mask.reduce(4)) > 127)


def shows(picture: np.ndarray, shape: str) -> bool:
    """Whether the renderer's judge would call it the figure: overlap enough, and more than with any shape it knows."""
    import starter_model.judge as judging

    known = judging._templates()
    before = dict(known)
    known[shape] = template(shape)
    try:
        return judge(picture).shape == shape
    finally:
        known.clear()
        known.update(before)


def put_dataset(folder: Path, shape: str) -> None:
    """Twenty pictures of the figure, always in its own colour, with captions in words of the world and the new one."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for number in range(PICTURES):
        background = BACKGROUNDS[number % len(BACKGROUNDS)]
        x, y = 0.5 + rng.uniform(-0.04, 0.04, 2)
        drawn(shape, COLOUR, background, x=x, y=y, size=rng.uniform(0.27, 0.34)).save(folder / f"{number:02}.png")
        (folder / f"{number:02}.txt").write_text(f"a {WORD} on a {background} background", "utf-8")


class Bench:
    """An application on a copy of the starter model, and what is measured of it."""

    def __init__(self, data: Path, shape: str, extra: list[str]) -> None:
        self.data, self.shape = data, shape
        models = data / "models" / "Stable-diffusion"
        models.mkdir(parents=True)
        name = "easel-starter.safetensors"
        (models / name).symlink_to(PROGRAM_FOLDER / "models" / "Stable-diffusion" / name)
        self.app = Application(parse_flags(["--data-dir", str(data), *extra]))
        put_dataset(data / "pictures", shape)

    def pictures(self, prompts: list[str]) -> list[np.ndarray]:
        """A picture of each prompt, each with a seed of its own."""
        from modules.pipeline.run import run

        made: list[np.ndarray] = []
        for number, prompt in enumerate(prompts):
            request = GenerationRequest(
                prompt=prompt,
                seed=5000 + number,
                width=SIDE,
                height=SIDE,
                sampler="Euler",
                steps=20,
                cfg_scale=5.0,
                save_images=False,
                save_grid=False,
            )
            result = run(request, self.app.engine, RunControl(), checkpoint="easel-starter")
            made.append(np.asarray(result.samples[0].image.convert("RGB")))
        return made

    def measure(self, count: int, tag: str = "") -> dict[str, Any]:
        """Shares of `count` pictures with the word that show the figure, and of as many without it that are right."""
        prompts = [f"a {WORD} on a {BACKGROUNDS[n % len(BACKGROUNDS)]} background{tag}" for n in range(count)]
        seen = self.pictures(prompts)
        others = bar_prompts(count)
        right = score(self.pictures([f"{text}{tag}" for _, text in others]), [triple for triple, _ in others])
        return {
            "figure": float(np.mean([shows(each, self.shape) for each in seen])),
            "others": right["everything"],
            "seen": seen,
        }

    def train(self, options: dict[str, Any]) -> tuple[Any, float]:
        """A training, and the CPU seconds it took."""
        from modules.training.run import train

        dataset = {"folder": str(self.data / "pictures"), "width": SIDE, "height": SIDE, **options.pop("dataset", {})}
        training = TrainingOptions.model_validate({"checkpoint": "easel-starter", "dataset": dataset, **options})
        began = time.process_time()
        result = train(training, self.app.engine, RunControl(), self.app.settings.current)
        return result, time.process_time() - began


def sheet(pictures: list[np.ndarray], path: Path) -> None:
    """The first twenty pictures in one."""
    rows = [np.concatenate(pictures[start : start + 10], axis=1) for start in (0, 10)]
    Image.fromarray(np.concatenate(rows)).resize((1280, 256)).save(path)


def main() -> None:
    """Train both and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="kite", choices=sorted(SHAPES))
    parser.add_argument("--what", default="embedding,lora")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--rate", default="")
    parser.add_argument("--vectors", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--count", type=int, default=50, help="pictures with the word, and as many without it")
    parser.add_argument("--skip-before", action="store_true", help="do not measure the model as it is")
    parser.add_argument("--more", default="{}", help="further options as JSON")
    parser.add_argument("--sheets", type=Path)
    options, extra = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.shape, extra)
        before = {} if options.skip_before else bench.measure(options.count)
        found: dict[str, Any] = {"shape": options.shape, "before": {k: v for k, v in before.items() if k != "seen"}}
        print(json.dumps(found), flush=True)
        if options.sheets and before:
            sheet(before["seen"], options.sheets / "before.png")
        for what in options.what.split(","):
            figures = _trained(bench, what, options)
            if options.sheets:
                sheet(figures["seen"], options.sheets / f"{what}.png")
            figures.pop("seen")
            print(json.dumps({what: figures}), flush=True)
        bench.app.close()


def _trained(bench: Bench, what: str, options: argparse.Namespace) -> dict[str, Any]:
    more = json.loads(options.more)
    if what == "embedding":
        from modules.text_encoders.create_embedding import create_embedding

        encoders = bench.app.engine.load(bench.app.catalogue.find("easel-starter")).text_encoder.encoders
        create_embedding(bench.app.paths.embeddings, WORD, encoders, vectors=options.vectors, init_text="shape")
        bench.app.engine.embeddings.refresh()
        steps = {
            "steps": options.steps or 500,
            "batch_size": options.batch,
            "learning_rate": options.rate or "0.02",
            "weight_decay": 0,
        }
        dataset = {"template": ["[filewords]"]}
        result, seconds = bench.train(
            {"kind": "embedding", "name": WORD, "steps": {**steps, **more.get("steps", {})}, "dataset": dataset}
        )
        bench.app.engine.embeddings.refresh()
        figures = bench.measure(options.count)
        for path in bench.app.paths.embeddings.iterdir():
            path.unlink()
        bench.app.engine.embeddings.refresh()
    else:
        steps = {
            "steps": options.steps or 400,
            "batch_size": options.batch,
            "learning_rate": options.rate or "2e-4",
            "text_encoder_learning_rate": "1e-3",
            "min_snr_gamma": 5,
            "curve": "cosine",
            "warmup": 20,
        }
        result, seconds = bench.train(
            {
                "kind": "lora",
                "name": "figure",
                "lora": {"rank": 8, "text_encoder": True, **more.get("lora", {})},
                "steps": {**steps, **more.get("steps", {})},
                "output": {"overwrite": True},
            }
        )
        bench.app.networks.refresh()
        figures = bench.measure(options.count, "<lora:figure:1>")
    return {**figures, "steps": result.step, "loss": result.loss, "cpu_seconds": round(seconds, 1)}


if __name__ == "__main__":
    main()
