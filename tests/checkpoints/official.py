"""The names and shapes of official checkpoints, without a single weight: tensors on the meta device."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from modules.checkpoints.architectures.architecture import Architecture
from modules.checkpoints.identify import identify
from modules.checkpoints.tensors import Shapes
from tests.parity import make_tiny

UNET, VAE = "model.diffusion_model.", "first_stage_model."
MULT_SD = [1, 2, 4, 4]


class _ShapesOnly(make_tiny.B):
    """Collects a state dict as the maker of tiny checkpoints does, but never draws a number."""

    def __init__(self) -> None:
        super().__init__(0)

    def randn(self, key: str, shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, device="meta")


@dataclass(frozen=True)
class Listing:
    """A checkpoint of which only names and shapes are known."""

    shapes: Shapes
    metadata: Mapping[str, str] = field(default_factory=dict)

    def read(self, key: str) -> Tensor:
        raise AssertionError(f"{key} was read; names and shapes have to be enough")

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _listing(unet: Mapping[str, object], text: Callable[[_ShapesOnly], None]) -> dict[str, tuple[int, ...]]:
    made = _ShapesOnly()
    make_tiny.unet(made, UNET, {"mc": 320, "nres": 2, "passthrough": False, **unet})
    make_tiny.vae(made, VAE, 128, MULT_SD)
    text(made)
    return {name: tuple(tensor.shape) for name, tensor in made.sd.items()}


@functools.cache
def sd15(channels: int = 4) -> dict[str, tuple[int, ...]]:
    """Stable Diffusion 1.5; with 9 channels its inpainting model, with 8 InstructPix2Pix."""
    return _listing(
        {"mult": MULT_SD, "ctx": 768, "depth": [1, 1, 1, 0], "mid_depth": 1, "cin": channels},
        lambda made: make_tiny.hf_clip(made, "cond_stage_model.transformer.", 768, 12, 3072),
    )


@functools.cache
def sd21(channels: int = 4) -> dict[str, tuple[int, ...]]:
    """Stable Diffusion 2.1, base and 768 alike; with 9 channels the inpainting model of 2.0, with 5 the depth model."""
    return _listing(
        {"mult": MULT_SD, "ctx": 1024, "depth": [1, 1, 1, 0], "mid_depth": 1, "linear": True, "cin": channels},
        lambda made: make_tiny.open_clip(made, "cond_stage_model.model.", 1024, 24, 4096, 1024),
    )


@functools.cache
def sdxl(channels: int = 4) -> dict[str, tuple[int, ...]]:
    """SDXL base; with 9 channels its inpainting model."""

    def text(made: _ShapesOnly) -> None:
        make_tiny.hf_clip(made, "conditioner.embedders.0.transformer.", 768, 12, 3072)
        make_tiny.open_clip(made, "conditioner.embedders.1.model.", 1280, 32, 5120, 1280)

    unet = {"mult": [1, 2, 4], "ctx": 2048, "depth": [0, 2, 10], "mid_depth": 10, "linear": True, "adm": 2816}
    return _listing({**unet, "cin": channels}, text)


@functools.cache
def sdxl_refiner() -> dict[str, tuple[int, ...]]:
    """SDXL's refiner."""
    return _listing(
        {"mc": 384, "mult": MULT_SD, "ctx": 1280, "depth": [0, 4, 4, 0], "mid_depth": 4, "linear": True, "adm": 2560},
        lambda made: make_tiny.open_clip(made, "conditioner.embedders.0.model.", 1280, 32, 5120, 1280),
    )


@functools.cache
def ssd_1b() -> dict[str, tuple[int, ...]]:
    """Segmind's SSD-1B: SDXL without some of its transformer blocks and without most of its middle."""
    kept = {
        **{f"input_blocks.{block}.1.": 4 for block in (7, 8)},
        **{f"output_blocks.{block}.1.": depth for block, depth in zip(range(6), (4, 4, 10, 2, 1, 1), strict=True)},
    }

    return _pruned(kept, ("middle_block.1.", "middle_block.2."))


@functools.cache
def short_middle() -> dict[str, tuple[int, ...]]:
    """SDXL with transformers of different depths everywhere, and one of yet another depth in the middle."""
    kept = {f"input_blocks.{block}.1.": depth for block, depth in zip((4, 5, 7, 8), (1, 2, 3, 2), strict=True)}
    kept |= {f"output_blocks.{block}.1.": depth for block, depth in zip(range(6), (3, 2, 3, 1, 2, 1), strict=True)}
    return _pruned({**kept, "middle_block.1.": 5}, ())


@functools.cache
def without_middle() -> dict[str, tuple[int, ...]]:
    """SD 1.5 with its middle taken out and one residual block a level, as in BK-SDM (Kim et al. 2023)."""
    small = _listing(
        {"mult": MULT_SD, "nres": 1, "ctx": 768, "depth": [1, 1, 1, 0], "mid_depth": 1},
        lambda made: make_tiny.hf_clip(made, "cond_stage_model.transformer.", 768, 12, 3072),
    )
    return {name: shape for name, shape in small.items() if not name.startswith(f"{UNET}middle_block.")}


def _pruned(kept: Mapping[str, int], gone: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """SDXL without what begins with `gone`, and with no more transformer blocks at a place than `kept` says."""

    def pruned(name: str) -> bool:
        inner = name.removeprefix(UNET)
        if inner.startswith(gone):
            return True
        place, _, rest = inner.partition("transformer_blocks.")
        return bool(rest) and place in kept and int(rest.split(".")[0]) >= kept[place]

    return {name: shape for name, shape in sdxl().items() if not (name.startswith(UNET) and pruned(name))}


def identified(shapes: Shapes, **metadata: str) -> Architecture:
    """What the families say of such a checkpoint."""
    return identify(cast(Any, Listing(shapes, metadata)), Path("official.safetensors"))
