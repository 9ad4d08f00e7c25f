"""Greatest memory of a process that draws pictures, each side in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.pictures import EASEL, SAME, Task
from benchmarks.report import table

SIDES = {"easel": EASEL, "diffusers": SAME}
MOMENTS = ("imported", "loaded", "first picture", "last picture")


def measure(task: Task) -> dict[str, Any]:
    """Peak memory in bytes of each side at each moment, and of the device where it has memory of its own."""
    sides = {name: _in_a_process(side, task) for side, name in SIDES.items()}
    return {
        "checkpoint": task.checkpoint.name,
        "checkpoint_bytes": task.checkpoint.stat().st_size,
        "size": [task.width, task.height],
        "pictures": task.rounds,
        "contestants": sides,
    }


def _in_a_process(side: str, task: Task) -> dict[str, int]:
    command = [sys.executable, "-m", "benchmarks.memory", side, str(task.checkpoint)]
    command += [str(number) for number in (task.width, task.height, task.steps, task.rounds)]
    done = subprocess.run(
        [*command, *task.flags], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"The measurement of {side} failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def peak() -> int:
    """The greatest resident size of this process so far, in bytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":
        # What getrusage tells begins with the size of the process that started this one.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _draw(side: str, task: Task) -> dict[str, int]:
    """In the process that is measured: load, draw, and note the peak along the way."""
    import tempfile

    from benchmarks.pictures import make_application, make_contestants
    from modules.hardware.memory import peak_bytes

    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        application = make_application(task, Path(folder))
        try:
            engine = application.engine
            peaks = {"imported": peak()}
            contestant = make_contestants(task, application)[SIDES[side]]
            peaks["loaded"] = peak()
            for number in range(task.rounds):
                contestant.draw(task.steps)
                if number == 0:
                    peaks["first picture"] = peak()
            peaks["last picture"] = peak()
            return {**peaks, "device": peak_bytes(engine.hardware.device)}
        finally:
            application.close()


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""
    rows = [
        [name, *(f"{peaks[moment] / 1e9:.2f}" for moment in MOMENTS), f"{peaks['device'] / 1e9:.2f}"]
        for name, peaks in result["contestants"].items()
    ]
    width, height = result["size"]
    title = (
        f"{result['checkpoint']} ({result['checkpoint_bytes'] / 1e9:.2f} GB on disk), {width}x{height}, "
        f"{result['pictures']} pictures, peak memory of the process in GB"
    )
    return f"{title}\n\n{table(['', *MOMENTS, 'device'], rows)}"


def main() -> None:
    """What `measure` starts as a process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("checkpoint", type=Path)
    for name in ("width", "height", "steps", "rounds"):
        parser.add_argument(name, type=int)
    options, flags = parser.parse_known_args()
    values = vars(options)
    side = values.pop("side")
    print(json.dumps(_draw(side, Task(**values, plain=False, flags=tuple(flags)))))


if __name__ == "__main__":
    main()
