"""Tiny random-weight checkpoints for tests: real files in real layouts, made in a moment."""

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


def _lightest_sd1() -> dict[str, Tensor]:
    tensors = make_tiny.B(101)
    levels = {"mc": 32, "mult": [1, 2, 2, 2], "nres": 1, "depth": [1, 1, 1, 0], "mid_depth": 1}
    make_tiny.unet(tensors, "model.diffusion_model.", {**levels, "ctx": 48})
    make_tiny.vae(tensors, "first_stage_model.", 32, [1, 1, 2, 2], nres=1)
    make_tiny.hf_clip(tensors, "cond_stage_model.transformer.", 48, 4, 192)
    make_tiny.ddpm_buffers(tensors)
    return tensors.sd


_TENSORS: dict[Family | Literal["lightest"], Callable[[], dict[str, Tensor]]] = {
    "lightest": _lightest_sd1,
    "sd1": lambda: make_tiny.sd1(101),
    "sd1-inpaint": lambda: make_tiny.sd1(103, cin=9),
    "sd2-v": lambda: make_tiny.sd2v(104),
    "sdxl": lambda: make_tiny.sdxl(105),
}


@functools.cache
def _made(family: Family | Literal["lightest"]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="easel-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_tiny.write(str(folder / f"tiny-{family}.safetensors"), _TENSORS[family]())
    return folder / f"tiny-{family}.safetensors"


def make_tiny_checkpoint(path: Path, family: Family) -> Path:
    """Put a tiny checkpoint of `family` (32 channels, random weights) at `path`; made once a test run.

    It has as many blocks as a real one, and is the one that recorded pictures were made with.
    """
    return _copied(family, path)


def make_tiny_sd1(path: Path) -> Path:
    """Put an SD1 checkpoint (32 channels, CLIP of width 48, random weights) at `path`; made once a test run.

    Its UNet and its VAE have four levels as real ones do, with one block each: half the work of the tiny one.
    """
    return _copied("lightest", path)


def _copied(name: Family | Literal["lightest"], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(name), path)
    return path
