"""Loading a checkpoint: its time beside reading the bytes of the file, its memory beside what it becomes."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import table


def measure(checkpoint: Path, rounds: int, flags: Sequence[str] = ()) -> dict[str, Any]:
    """Seconds of loads and of plain reads in turn, and peak memory, in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.reading", str(checkpoint), str(rounds), *flags]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The measurement of loading failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""
    loads, reads, cpu = result["load"], result["read"], result["cpu"]
    ratios = [load / read for load, read in zip(loads, reads, strict=True)]
    rows = [
        [name, *(f"{pick(values):.2f}" for pick in (min, statistics.median, max))]
        for name, values in (
            ("load, s", loads),
            ("load, s of processor time", cpu),
            ("reading the bytes, s", reads),
            ("load / reading", ratios),
        )
    ]
    title = (
        f"{result['checkpoint']} ({result['file_bytes'] / 1e9:.2f} GB on disk, {result['model_bytes'] / 1e9:.2f} GB "
        f"loaded): the process grew by {result['peak_growth'] / 1e9:.2f} GB at most, "
        f"{result['peak_growth'] / result['model_bytes']:.2f} times the model"
    )
    return f"{title}\n\n{table(['', 'least', 'median', 'greatest'], rows)}"


def _read(path: Path) -> float:
    begun = time.perf_counter()
    content = path.read_bytes()
    seconds = time.perf_counter() - begun
    del content
    return seconds


def main() -> None:
    """What `measure` starts as a process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("rounds", type=int)
    options, flags = parser.parse_known_args()

    # What a first load imports is no part of what is measured.
    import diffusers  # pyright: ignore[reportUnusedImport] # noqa: F401
    import psutil
    from diffusers import AutoencoderKL, UNet2DConditionModel  # pyright: ignore[reportUnusedImport] # noqa: F401
    from transformers import CLIPTextModel  # pyright: ignore[reportUnusedImport] # noqa: F401

    from benchmarks.memory import peak
    from modules.checkpoints.info import CheckpointInfo
    from modules.checkpoints.load import load_checkpoint
    from modules.hardware.device import choose_hardware
    from modules.pipeline.engine import hardware_options
    from modules.settings.flags import parse_flags

    hardware, path = choose_hardware(hardware_options(parse_flags(flags))), options.checkpoint
    info = CheckpointInfo(path=path, name=path.name)
    loads, cpu, reads = list[float](), list[float](), list[float]()
    resident, growth, size = psutil.Process().memory_info().rss, 0, 0
    for number in range(options.rounds + 1):
        begun, begun_cpu = time.perf_counter(), time.process_time()
        model = load_checkpoint(info, hardware)
        seconds, used = time.perf_counter() - begun, time.process_time() - begun_cpu
        if number == 0:
            # The peak never falls: of the first load alone it is known. Its time is that of a cold start, and not kept.
            growth, size = peak() - resident, model.size
        else:
            loads.append(seconds)
            cpu.append(used)
        del model
        if number:
            reads.append(_read(path))
    result = {"checkpoint": path.name, "file_bytes": path.stat().st_size, "model_bytes": size, "peak_growth": growth}
    print(json.dumps({**result, "load": loads, "cpu": cpu, "read": reads}))


if __name__ == "__main__":
    main()
