"""How long a folder of many LoRA files takes: the first scan, a second start, the first page of a list, a search."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Spread, table

FILES = 10_000
WORDS = ("anime", "portrait", "ink", "detail", "city", "forest", "style", "character", "light", "robot", "cat", "dress")
QUERIES = ("portrait", "ink style", "robot 42", "no such word", "9999")

Times = dict[str, float]


def measure(rounds: int, say: Callable[[str], None] = print, files: int = FILES) -> dict[str, Any]:
    """Seconds of each moment over several starts, every start in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        data = Path(folder)
        say(f"  writing {files:,} LoRA files")
        write_files(data / "models" / "Lora", files)
        first: list[Times] = []
        second: list[Times] = []
        for number in range(rounds):
            for path in (data / "cache").glob("models.sqlite3*"):
                path.unlink()
            first.append(_in_a_process(data, "first"))
            second.append(_in_a_process(data, "second"))
            say(f"  round {number + 1} of {rounds}: {first[-1]['known']:.2f} s, then {second[-1]['listed']:.3f} s")
        size = sum(path.stat().st_size for path in (data / "cache").glob("models.sqlite3*"))
    return {"files": files, "index_bytes": size, "first": _spreads(first), "second": _spreads(second)}


def write_files(folder: Path, count: int) -> None:
    """Small LoRA files in sub-folders, each with the names of a real one's layers and what a trainer writes."""
    chance = random.Random(0)
    layers = {
        f"lora_unet_down_blocks_{block}_attentions_{part}_transformer_blocks_0_attn2_to_k.{end}": shape
        for block in range(3)
        for part in range(2)
        for end, shape in (("lora_down.weight", (1, 768)), ("lora_up.weight", (4, 1)), ("alpha", ()))
    }
    for index in range(count):
        name = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {index}"
        tags = {word: chance.randrange(1, 500) for word in chance.sample(WORDS, 6)}
        header: dict[str, Any] = {
            "__metadata__": {
                "ss_output_name": name,
                "ss_base_model_version": "sd_v1",
                "ss_tag_frequency": json.dumps({"10_pictures": tags}),
                "ss_notes": "x" * 400,
            }
        }
        offset = 0
        for key, shape in layers.items():
            size = 2 * (shape[0] * shape[1] if shape else 1)
            header[key] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, offset + size]}
            offset += size
        text = json.dumps(header).encode()
        path = folder / chance.choice(WORDS) / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(struct.pack("<Q", len(text)) + text + os.urandom(8) + bytes(offset - 8))


def _in_a_process(data: Path, question: str) -> Times:
    command = [sys.executable, "-m", "benchmarks.catalogue", question, str(data)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The measurement failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _one_start(data: Path) -> Times:
    """In the process that is measured."""
    import resource

    from modules.application.application import Application
    from modules.application.model_list import ModelQuery
    from modules.settings.flags import Flags

    application = Application(Flags(data_dir=data, skip_load_model_at_start=True))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, begin_cpu = time.perf_counter(), time.process_time()
    names = application.networks.all("lora")
    times = {"listed": time.perf_counter() - begin, "count": float(len(names))}
    application.networks.collections["lora"].settle()
    times["known"] = time.perf_counter() - begin
    times["known, processor"] = time.process_time() - begin_cpu
    times["page"] = _timed(lambda: application.models.page(ModelQuery(kinds=("lora",), limit=100)))
    times["search"] = max(
        _timed(lambda query=query: application.models.page(ModelQuery(kinds=("lora",), query=query, limit=100)))
        for query in QUERIES
    )
    times["unchanged"] = _timed(lambda: application.networks.all("lora"))
    times["by name"] = _timed(lambda: application.networks.find("lora", names[len(names) // 2].name))
    times["metadata of all"] = _timed(lambda: application.networks.all_metadata("lora"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used
    times["bytes per file"] = grown * (1 if sys.platform == "darwin" else 1024) / max(len(names), 1)
    application.close()
    return times


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _spreads(times: Sequence[Times]) -> dict[str, Any]:
    return {name: Spread.of([each[name] for each in times]).as_dict() for name in times[0]}


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""
    moments = {
        "listed": "names listed",
        "known": "every header known, every file looked at",
        "known, processor": "the same, processor time",
        "page": "first page of 100, with pictures and notes",
        "search": "slowest of five searches",
        "unchanged": "list again, nothing changed",
        "by name": "one network by its name",
        "metadata of all": "metadata of all files",
    }
    rows = [
        [words, *(f"{result[start][name]['median'] * 1e3:.1f}" for start in ("first", "second"))]
        for name, words in moments.items()
    ]
    memory = [f"{result[start]['bytes per file']['median'] / 1e3:.1f}" for start in ("first", "second")]
    rows.append(["peak memory, KB per file", *memory])
    title = f"{result['files']:,} LoRA files, index of {result['index_bytes'] / 1e6:.1f} MB; milliseconds, medians"
    return f"{title}\n\n{table(['', 'first start', 'second start'], rows)}"


if __name__ == "__main__":
    print(json.dumps(_one_start(Path(sys.argv[2]))))
