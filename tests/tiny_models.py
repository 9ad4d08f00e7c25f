"""Tiny random-weight checkpoints for tests: real files in real layouts, made in about a second."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from tests.parity import make_tiny


@functools.cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="easel-tiny-"))
    make_tiny.write(str(folder / "tiny-sd1.safetensors"), make_tiny.sd1(101))
    return folder / "tiny-sd1.safetensors"


def make_tiny_sd1(path: Path) -> Path:
    """Put a tiny SD1 checkpoint (32 channels, CLIP of width 48, random weights) at `path`; made once a test run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(), path)
    return path
