"""Memory and time of enlarging a picture to a huge one, tile by tile: from file to file, and in memory."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.memory import peak
from benchmarks.report import table

SCALE = 4
WAYS = {"file": "from file to file", "memory": "in memory"}


def measure(side: int) -> dict[str, Any]:
    """Enlarge to `side` x `side` pixels each way, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        prepare(Path(folder), side)
        return {"side": side, "ways": {way: _in_a_process(way, Path(folder)) for way in WAYS}}


def prepare(folder: Path, side: int) -> None:
    """Write a model with random weights, of the shape of the well-known realesr-general-x4v3, and a noisy picture."""
    import numpy as np
    import torch
    from PIL import Image
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(1)
    network = Compact(num_in_ch=3, num_out_ch=3, num_feat=64, num_conv=32, upscale=SCALE)
    torch.save({"params": network.state_dict()}, folder / "random-x4.pth")
    coarse = np.random.default_rng(1).integers(0, 256, (side // SCALE // 8, side // SCALE // 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((side // SCALE, side // SCALE), Image.Resampling.BICUBIC)
    picture.save(folder / "source.png")


def _in_a_process(way: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.huge", way, str(folder)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"The measurement {WAYS[way]} failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def enlarge(way: str, folder: Path) -> dict[str, Any]:
    """In the process that is measured: everything is imported and the model has run once when it counts as idle."""
    import numpy as np
    import psutil
    from PIL import Image

    from modules.hardware.device import HardwareOptions, choose_hardware
    from modules.settings.model import Settings
    from modules.upscalers.cache import Upscalers
    from modules.upscalers.catalogue import UpscalerCatalogue

    upscalers = Upscalers(UpscalerCatalogue({"ESRGAN": folder}), choose_hardware(HardwareOptions()))
    upscalers.model(upscalers.find("random-x4")).for_run(Settings(), None).enlarge(np.zeros((8, 8, 3), dtype=np.uint8))
    idle, began = psutil.Process().memory_info().rss, time.perf_counter()
    if way == "file":
        size = upscalers.upscale_file(folder / "source.png", folder / "target.png", SCALE, "random-x4", Settings())
    else:
        with Image.open(folder / "source.png") as source:
            size = upscalers.upscale(source, SCALE, "random-x4", Settings()).size
    seconds = time.perf_counter() - began
    return {"size": list(size), "idle": idle, "peak": peak(), "seconds": seconds}


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""
    rows = [
        [
            WAYS[way],
            f"{values['idle'] / 1e9:.2f}",
            f"{values['peak'] / 1e9:.2f}",
            f"{(values['peak'] - values['idle']) / 1e9:.2f}",
            f"{values['seconds']:.0f}",
        ]
        for way, values in result["ways"].items()
    ]
    title = f"A picture of {result['side']}x{result['side']} made of one of a quarter of that, tiles as by default"
    return f"{title}\n\n{table(['', 'idle, GB', 'peak, GB', 'above idle, GB', 'seconds'], rows)}"


def main() -> None:
    """What `measure` starts as a process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    print(json.dumps(enlarge(options.way, options.folder)))


if __name__ == "__main__":
    main()
