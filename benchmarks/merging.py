"""A merge of two large checkpoints: seconds, and the greatest memory of the process that does it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.memory import peak
from benchmarks.report import table

CASES = (("weighted sum", "safetensors"), ("weighted sum", "ckpt"), ("add difference", "safetensors"))


def measure(checkpoint: Path | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Merge a full-size checkpoint with others like it, each time in a process of its own."""
    from benchmarks.random_checkpoint import write_random_checkpoint

    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as name:
        folder = Path(name)
        say("  writing checkpoints with random weights")
        models = [
            checkpoint.resolve() if checkpoint else write_random_checkpoint(folder / "a.safetensors", seed=1),
            write_random_checkpoint(folder / "b.safetensors", seed=2),
        ]
        return {
            "bytes": [model.stat().st_size for model in models],
            "idle": _in_a_process([], folder),
            "merges": [
                {"method": method, "format": form, **_in_a_process([method, form, *map(str, models)], folder)}
                for method, form in CASES
            ],
        }


def _in_a_process(arguments: list[str], folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.merging", str(folder), *arguments]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The merge failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _merge(folder: Path, arguments: list[str]) -> dict[str, Any]:
    """In the process that is measured."""
    import torch  # noqa: F401 - so that the idle process has it, too

    if not arguments:
        return {"peak_bytes": peak()}
    from modules.checkpoints.info import CheckpointInfo
    from modules.checkpoints.merge.merge import merge_checkpoints
    from modules.checkpoints.merge.recipe import MergeMethod, MergeRecipe

    method, form, *paths = arguments
    a, b = (CheckpointInfo(path=Path(path), name=Path(path).name) for path in paths)
    recipe = MergeRecipe(
        primary=a,
        secondary=b,
        tertiary=a,
        method=MergeMethod(method.capitalize()),
        multiplier=0.3,
        name="merged",
        format="ckpt" if form == "ckpt" else "safetensors",
        add_recipe=False,  # hashing the models would be timed, too
    )
    begin = time.perf_counter()
    merged = merge_checkpoints(recipe, folder, sha256=str)
    seconds = time.perf_counter() - begin
    merged.path.unlink()
    return {"seconds": seconds, "peak_bytes": peak(), "result_bytes": merged.size}


def show(result: Mapping[str, Any]) -> str:
    """Print the table of measurements."""
    idle = result["idle"]["peak_bytes"]
    sizes = " and ".join(f"{size / 1e9:.2f} GB" for size in result["bytes"])
    rows = [
        [
            merge["method"],
            merge["format"],
            f"{merge['seconds']:.1f}",
            f"{merge['peak_bytes'] / 1e6:.0f}",
            f"{(merge['peak_bytes'] - idle) / 1e6:.0f}",
        ]
        for merge in result["merges"]
    ]
    head = ["merge", "written as", "s", "peak, MB", "above importing torch, MB"]
    return f"Files of {sizes}\n\n{table(head, rows)}"


if __name__ == "__main__":
    print(json.dumps(_merge(Path(sys.argv[1]), sys.argv[2:])))
