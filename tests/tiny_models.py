"""Tiny random-weight checkpoints for tests: real files in real layouts, made in about a second."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from torch import Tensor

from tests.parity import make_tiny

Family = Literal["sd1", "sd1-inpaint", "sd2-v", "sdxl"]

_TENSORS: dict[Family, Callable[[], dict[str, Tensor]]] = {
    "sd1": lambda: make_tiny.sd1(101),
    "sd1-inpaint": lambda: make_tiny.sd1(103, cin=9),
    "sd2-v": lambda: make_tiny.sd2v(104),
    "sdxl": lambda: make_tiny.sdxl(105),
}


@functools.cache
def _made(family: Family) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="easel-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_tiny.write(str(folder / f"tiny-{family}.safetensors"), _TENSORS[family]())
    return folder / f"tiny-{family}.safetensors"


def make_tiny_checkpoint(path: Path, family: Family) -> Path:
    """Put a tiny checkpoint of `family` (32 channels, random weights) at `path`; made once a test run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(family), path)
    return path


def make_tiny_sd1(path: Path) -> Path:
    """Put a tiny SD1 checkpoint (32 channels, CLIP of width 48, random weights) at `path`; made once a test run."""
    return make_tiny_checkpoint(path, "sd1")
