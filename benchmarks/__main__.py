"""`python -m benchmarks [NAME ...]`: measure, print tables, write JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STARTER = ROOT / "models" / "Stable-diffusion" / "easel-starter.safetensors"
NAMES = ("startup", "starter", "sd15", "reading", "memory", "huge", "merge", "catalogue", "history", "page", "prompts")
LONG = ("kill", "load", "soak", "page-soak", "extensions")
"""Measured only when named."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one call."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Easel on this machine.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"what to measure: {', '.join(NAMES)} (default: these); {', '.join(LONG)}",
    )
    parser.add_argument("--rounds", type=int, help="how often; default: 10 starts, 5 pictures, 5 pictures for memory")
    parser.add_argument("--steps", type=int, help="sampling steps; default: 20 for the starter model, else 5")
    parser.add_argument(
        "--size", type=int, help="side of the pictures in pixels; default: 512 for the starter, 8192 for huge, else 256"
    )
    parser.add_argument(
        "--count", type=int, help="default: 30 kills, 60 seconds of load, 2000 or 300 pictures of the soaks"
    )
    parser.add_argument("--checkpoint", type=Path, help="checkpoint instead of the random SD 1.5 one, or the starter")
    parser.add_argument(
        "--extensions", type=Path, help="folder of extensions for that measurement; default: nine small"
    )
    parser.add_argument("--no-plain", action="store_true", help="leave out diffusers in float32, which takes long")
    parser.add_argument("--flags", default="", help='flags of Easel for the measurement, such as "--no-half"')
    parser.add_argument(
        "--results", type=Path, default=ROOT / "benchmarks" / "results", help="folder for the JSON files"
    )
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in NAMES + LONG:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(NAMES + LONG)}")
    return options


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for. Returns the exit code."""
    from benchmarks.report import machine, write_json

    options = parse(arguments)
    if "starter" in options.names and options.checkpoint is None and not STARTER.exists():
        print(f"The starter model is not at {STARTER}.", file=sys.stderr)
        return 1
    facts = machine()
    print(f"{facts['processor']} ({', '.join(facts['cpu_flags'])}), {facts['cores']} cores, {facts['system']}")
    print(", ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    print(f"load by others at the beginning: {facts['load_before']}\n")
    for name in options.names or NAMES:
        if name == "starter" and options.checkpoint is None and not STARTER.exists():
            print("starter: left out, the model is not there\n")
            continue
        print(f"{name} ...", flush=True)
        result, show = MEASUREMENTS[name](options)
        path = write_json(options.results, name, {"machine": facts, "result": result})
        print(f"\n{show(result)}\n\nwritten to {path}\n", flush=True)
    return 0


def _startup(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import startup

    return startup.measure(options.rounds or 10, _say), startup.show


def _starter(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import pictures

    task = _task(options, options.checkpoint or STARTER, size=512, steps=20)
    return pictures.measure(task, _say), pictures.show


def _sd15(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import pictures

    with _big_checkpoint(options) as path:
        return pictures.measure(_task(options, path, size=256, steps=5), _say), pictures.show


def _memory(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import memory

    with _big_checkpoint(options) as path:
        return memory.measure(_task(options, path, size=256, steps=2)), memory.show


def _reading(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import reading

    with _big_checkpoint(options) as path:
        return reading.measure(path, options.rounds or 5, tuple(options.flags.split())), reading.show


def _huge(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import huge

    return huge.measure(options.size or 8192), huge.show


def _merge(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import merging

    return merging.measure(options.checkpoint, _say), merging.show


def _catalogue(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import catalogue

    return catalogue.measure(options.rounds or 3, _say), catalogue.show


def _history(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import history

    return history.measure(options.rounds or 5, _say, options.count or history.PICTURES), history.show


def _page(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import history, page

    return page.measure(options.rounds or 5, _say, options.count or history.PICTURES), page.show


def _page_soak(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import page_soak

    return page_soak.measure(options.count or page_soak.PICTURES, _say), page_soak.show


def _prompts(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import prompts

    return prompts.measure(options.rounds or 20, _say), prompts.show


def _extensions(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import extensions

    return extensions.measure(options.rounds or 5, _say, options.extensions), extensions.show


def _kill(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import kill, kill_points

    kills = options.count or 30

    def chosen(data: Path) -> dict[str, int]:
        return kill_points.measure(data, say=_say)

    return kill.measure(kills, jobs=kills * 20 // 3, say=_say, chosen=chosen), kill.show


def _load(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import load

    return load.measure(options.count or 60, say=_say), load.show


def _soak(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Any], str]]:
    from benchmarks import soak

    return soak.measure(options.count or 2000, _say), soak.show


@contextmanager
def _big_checkpoint(options: argparse.Namespace) -> Iterator[Path]:
    if options.checkpoint:
        yield options.checkpoint
        return
    from benchmarks.random_checkpoint import write_random_checkpoint

    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        _say("  writing a checkpoint with random weights")
        yield write_random_checkpoint(Path(folder) / "random-sd15.safetensors")


def _task(options: argparse.Namespace, checkpoint: Path, *, size: int, steps: int) -> Any:
    from benchmarks.pictures import Task

    return Task(
        checkpoint=checkpoint.resolve(),
        width=options.size or size,
        height=options.size or size,
        steps=options.steps or steps,
        rounds=options.rounds or 5,
        plain=not options.no_plain,
        flags=tuple(options.flags.split()),
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


MEASUREMENTS = {
    "startup": _startup,
    "starter": _starter,
    "sd15": _sd15,
    "reading": _reading,
    "memory": _memory,
    "huge": _huge,
    "merge": _merge,
    "catalogue": _catalogue,
    "history": _history,
    "page": _page,
    "page-soak": _page_soak,
    "prompts": _prompts,
    "kill": _kill,
    "load": _load,
    "soak": _soak,
    "extensions": _extensions,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
