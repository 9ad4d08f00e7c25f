"""Seconds from ./webui.sh to a page that is served, when everything is installed already."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import Spread, table
from benchmarks.server import free_port

ROOT = Path(__file__).parents[1]
ELEMENTS = ("txt2img_prompt", "txt2img_generate", "txt2img_gallery")
STARTER = ROOT / "models" / "Stable-diffusion" / "easel-starter.safetensors"
PATIENCE = 120.0
"""Seconds after which a start counts as failed."""


def measure(rounds: int = 10, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Start `rounds` times, after one start that is not counted (it fills the caches of the disk)."""
    page: list[float] = []
    processor: list[float] = []
    engine: list[float] = []
    for number in range(rounds + 1):
        served, used, ready = _one_start()
        if number:
            page.append(served)
            processor.append(used)
            engine.append(ready)
        say(f"  start {number} of {rounds}: page after {served:.2f} s")
    result: dict[str, Any] = {
        "rounds": rounds,
        "seconds_to_page": Spread.of(page).as_dict(),
        "processor_seconds_to_page": Spread.of(processor).as_dict(),
    }
    return result | ({"seconds_to_model": Spread.of(engine).as_dict()} if STARTER.exists() else {})


def _one_start() -> tuple[float, float, float]:
    """Seconds to the page, of the processor until then, and to the checkpoint."""
    import psutil

    with tempfile.TemporaryDirectory(prefix="easel-benchmark-") as folder:
        port = free_port()
        log = Path(folder) / "log.txt"
        began = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(ROOT / "webui.sh"), "--port", str(port), "--data-dir", str(Path(folder) / "data")],
                cwd=ROOT,
                env={key: value for key, value in os.environ.items() if key != "COMMANDLINE_ARGS"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            served = wait_for(f"{url}/", ELEMENTS, process, log) - began
            # webui.sh has become the program (exec), so its process is the one that serves.
            used = sum(psutil.Process(process.pid).cpu_times()[:2])
            ready = wait_for_model(log, process) - began if STARTER.exists() else served
            return served, used, ready
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def wait_for(url: str, texts: tuple[str, ...], process: subprocess.Popen[bytes], log: Path) -> float:
    """The moment (time.perf_counter) at which `url` was answered with 200 and all of `texts` in the page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        try:
            with opener.open(url, timeout=PATIENCE) as answer:
                body = answer.read().decode("utf-8", "replace")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            body = ""
        if body:
            missing = [text for text in texts if text not in body]
            if missing:
                raise SystemExit(f"{url} answers, but without {', '.join(missing)}.")
            return time.perf_counter()
        _still_running(process, log)
        time.sleep(0.005)
    raise SystemExit(f"{url} was not served within {PATIENCE:.0f} s.\n{_tail(log)}")


def wait_for_model(log: Path, process: subprocess.Popen[bytes]) -> float:
    """The moment at which the log says that a checkpoint is loaded."""
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        if "Loaded " in log.read_text(encoding="utf-8", errors="replace"):
            return time.perf_counter()
        _still_running(process, log)
        time.sleep(0.02)
    raise SystemExit(f"No checkpoint was loaded within {PATIENCE:.0f} s.\n{_tail(log)}")


def _still_running(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        raise SystemExit(f"webui.sh ended with exit code {process.returncode}.\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def show(result: Mapping[str, Any]) -> str:
    """The table of one result."""
    rows = []
    names = {
        "page served": "seconds_to_page",
        "processor time until then": "processor_seconds_to_page",
        "checkpoint loaded": "seconds_to_model",
    }
    for name, key in names.items():
        if values := result.get(key):
            rows.append([name, *(f"{values[part]:.2f}" for part in ("min", "median", "max"))])
    title = f"From ./webui.sh on, {result['rounds']} starts, seconds"
    return f"{title}\n\n{table(['', 'min', 'median', 'max'], rows)}"
