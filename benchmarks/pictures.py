"""Seconds per step and per picture, Easel against diffusers on the same weights, taking turns in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.clock import Sampling, UnetClock
from benchmarks.report import Spread, table

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn

    from modules.application.application import Application

PROMPT = "a red house on a green hill, night sky"
NEGATIVE_PROMPT = "blurry, text"
WARM_STEPS = 4
"""Enough for everything that is made at an early call and kept."""

EASEL, SAME, PLAIN = "Easel", "diffusers, same type and layout", "diffusers, float32 as it comes"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A request to measure: checkpoint, size and the rest."""

    checkpoint: Path
    width: int
    height: int
    steps: int = 20
    rounds: int = 5
    seed: int = 1
    cfg_scale: float = 7.0
    plain: bool = True
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Contestant:
    """Something that draws the task's picture, and the UNet it calls."""

    unet: nn.Module
    draw: Callable[[int], Image.Image]


@dataclass(kw_only=True)
class Times:
    """Seconds of each round."""

    picture: list[float] = field(default_factory=list[float])
    processor: list[float] = field(default_factory=list[float])
    step: list[float] = field(default_factory=list[float])
    outside: list[float] = field(default_factory=list[float])

    def add(self, seconds: float, processor: float, sampling: Sampling, steps: int) -> None:
        self.picture.append(seconds)
        self.processor.append(processor)
        self.step.append(sampling.total / steps)
        self.outside.append(sampling.outside_share)


def measure(task: Task, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Let everybody draw the same picture in turn, `task.rounds` times, after one picture to warm up."""
    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        application = make_application(task, Path(folder))
        try:
            contestants = make_contestants(task, application)
            device = application.engine.hardware.device
            times = {name: Times() for name in contestants}
            pictures: dict[str, Image.Image] = {}
            for name, contestant in contestants.items():
                contestant.draw(WARM_STEPS)
                say(f"  {name}: warm")
            order = list(contestants)
            for number in range(task.rounds):
                # Each begins a round as often as the others, so that none profits from what the one before left.
                for name in order[number % len(order) :] + order[: number % len(order)]:
                    with UnetClock(contestants[name].unet, device) as clock:
                        began, used = time.perf_counter(), time.process_time()
                        pictures[name] = contestants[name].draw(task.steps)
                        seconds, processor = time.perf_counter() - began, time.process_time() - used
                        times[name].add(seconds, processor, clock.read(), task.steps)
                say(f"  round {number + 1} of {task.rounds}")
            return _result(task, application, times, pictures)
        finally:
            application.close()


def make_application(task: Task, folder: Path) -> Application:
    """An Easel of its own, with its data in `folder`."""
    from modules.application.application import Application
    from modules.settings.flags import parse_flags

    flags = ["--data-dir", str(folder), "--ckpt", str(task.checkpoint), "--skip-load-model-at-start", *task.flags]
    return Application(parse_flags(flags))


def make_contestants(task: Task, application: Application) -> dict[str, Contestant]:
    """Load the checkpoint and put Easel and its rivals around the same weights."""
    import torch

    from benchmarks.rivals import draw, plain_pipeline, same_weights_pipeline
    from modules.generation.progress import RunControl
    from modules.generation.request import GenerationRequest
    from modules.pipeline.run import run
    from modules.text_encoders.clip import ClipEncoder
    from modules.text_encoders.tokenizer import ClipTokenizer

    engine = application.engine
    info = application.selected_checkpoint
    if info is None:
        raise SystemExit(f"There is no checkpoint at {task.checkpoint}.")
    model = engine.load(info)
    checkpoint = model.checkpoint

    def draw_with_easel(steps: int) -> Image.Image:
        request = GenerationRequest(
            prompt=PROMPT,
            negative_prompt=NEGATIVE_PROMPT,
            seed=task.seed,
            sampler="Euler",
            scheduler="Automatic",
            steps=steps,
            cfg_scale=task.cfg_scale,
            width=task.width,
            height=task.height,
            save_images=False,
            save_grid=False,
        )
        return run(request, engine, RunControl()).samples[0].image

    encoder = ClipEncoder(checkpoint.text_encoder, ClipTokenizer())
    conditioning = (encoder.encode([PROMPT]), encoder.encode([NEGATIVE_PROMPT]))
    noise = torch.randn(1, 4, task.height // 8, task.width // 8, generator=torch.Generator().manual_seed(task.seed))
    contestants = {EASEL: Contestant(unet=checkpoint.unet, draw=draw_with_easel)}
    rivals = {SAME: same_weights_pipeline} | ({PLAIN: plain_pipeline} if task.plain else {})
    for name, make in rivals.items():
        pipeline = make(checkpoint)

        def draw_with_diffusers(steps: int, pipeline: Any = pipeline) -> Image.Image:
            return draw(pipeline, conditioning, noise, steps=steps, cfg_scale=task.cfg_scale)

        contestants[name] = Contestant(unet=pipeline.unet, draw=draw_with_diffusers)
    return contestants


def _result(
    task: Task, application: Application, times: Mapping[str, Times], pictures: Mapping[str, Image.Image]
) -> dict[str, Any]:
    import torch

    hardware = application.engine.hardware
    own = times[EASEL]
    rows: dict[str, Any] = {}
    for name, taken in times.items():
        rows[name] = {
            "seconds_per_picture": Spread.of(taken.picture).as_dict(),
            "processor_seconds_per_picture": Spread.of(taken.processor).as_dict(),
            "seconds_per_step": Spread.of(taken.step).as_dict(),
            "share_outside_unet": Spread.of(taken.outside).as_dict(),
        }
        if name != EASEL:
            rows[name]["times_easel_per_picture"] = _ratios(taken.picture, own.picture).as_dict()
            rows[name]["times_easel_in_processor_time"] = _ratios(taken.processor, own.processor).as_dict()
            rows[name]["times_easel_per_step"] = _ratios(taken.step, own.step).as_dict()
            rows[name]["same_picture_db"] = _agreement(pictures[EASEL], pictures[name])
    return {
        "checkpoint": task.checkpoint.name,
        "size": [task.width, task.height],
        "steps": task.steps,
        "rounds": task.rounds,
        "device": hardware.name,
        "cuda": None if hardware.is_cpu else torch.version.cuda,
        "unet_type": str(hardware.unet_dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "contestants": rows,
    }


def _ratios(numerators: list[float], denominators: list[float]) -> Spread:
    """How many times as long they took as Easel, round by round."""
    return Spread.of([a / b for a, b in zip(numerators, denominators, strict=True)])


def _agreement(a: Image.Image, b: Image.Image) -> float:
    """PSNR in dB: that both did the same work. 99 for equal pictures."""
    import numpy as np

    difference = np.asarray(a.convert("RGB"), np.float64) - np.asarray(b.convert("RGB"), np.float64)
    error = float((difference**2).mean())
    return 99.0 if error == 0 else round(float(10 * np.log10(255**2 / error)), 1)


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""

    def cell(values: Mapping[str, float] | None, digits: int, factor: float = 1.0) -> str:
        if values is None:
            return ""
        return " / ".join(f"{values[key] * factor:.{digits}f}" for key in ("min", "median", "max"))

    rows = []
    for name, values in result["contestants"].items():
        rows.append(
            [
                name,
                cell(values["seconds_per_step"], 3),
                cell(values["seconds_per_picture"], 2),
                cell(values["processor_seconds_per_picture"], 2),
                cell(values["share_outside_unet"], 2, 100),
                cell(values.get("times_easel_per_step"), 2),
                cell(values.get("times_easel_per_picture"), 2),
                cell(values.get("times_easel_in_processor_time"), 2),
                f"{values['same_picture_db']} dB" if "same_picture_db" in values else "",
            ]
        )
    head = ["min / median / max", "s per step", "s per picture", "CPU s per picture", "% outside UNet"]
    head += ["x Easel, step", "x Easel, picture", "x Easel, CPU time", "alike"]
    width, height = result["size"]
    title = (
        f"{result['checkpoint']}, {width}x{height}, {result['steps']} steps, {result['rounds']} rounds, "
        f"{result['device']}, UNet in {result['unet_type']}"
    )
    return f"{title}\n\n{table(head, rows)}"
