"""Easel with its page, and a browser to look at it with, for measurements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.server import ROOT, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


@contextmanager
def serving_page(data: Path, *flags: str) -> Generator[str]:
    """The address of the page of an Easel over the data folder; it ends with the block."""
    command = [sys.executable, "webui.py", "--port", str(free_port()), "--data-dir", str(data), *flags]
    environment = {key: value for key, value in os.environ.items() if key != "COMMANDLINE_ARGS"}
    with (data / "log.txt").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Easel is at "):
                    yield line.removeprefix("Easel is at ").strip()
                    return
            raise RuntimeError(f"Easel did not start:\n{(data / 'log.txt').read_text(errors='replace')[-3000:]}")
        finally:
            process.terminate()
            process.wait(60)


def chromium(playwright: Playwright) -> Browser:
    """The machine's chromium, or else the one that playwright brought."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"))
