"""Pools of pictures encoded once: latents on disk, captions drawn again from the seed at every use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as mp

from starter_model.networks import Autoencoder, VaeShape
from starter_model.vae import picture_tensor, to_signed

FIRST_SEED = {128: 0, 256: 1_000_000, 384: 2_000_000, 512: 3_000_000}
"""Where the seeds of each picture size begin, so that pools share no scene."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Scaled latents [count, 4, pixels/8, pixels/8] in float16; picture i is the scene of seed `first + i`."""

    latents: np.ndarray
    first: int
    pixels: int


def pool_path(workdir: Path, pixels: int) -> Path:
    """The file of the pool of one picture size."""
    return workdir / f"latents-{pixels}.npy"


def open_pool(workdir: Path, pixels: int) -> Pool:
    """Map a pool into memory; only pictures already encoded are in it."""
    latents = np.load(pool_path(workdir, pixels), mmap_mode="r")
    return Pool(latents=latents, first=FIRST_SEED[pixels], pixels=pixels)


def load_vae(workdir: Path) -> Autoencoder:
    """The trained autoencoder of a work folder."""
    net = Autoencoder(VaeShape(**json.loads((workdir / "shape.json").read_text())["vae"]))
    net.load_state_dict(torch.load(workdir / "vae.pt", weights_only=True))
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _encode(rank: int, workers: int, workdir: str, pixels: int, count: int, device: str) -> None:  # noqa: PLR0917
    torch.set_num_threads(1)
    net = load_vae(Path(workdir)).to(device)
    out = np.load(pool_path(Path(workdir), pixels), mmap_mode="r+")
    batch = max(1, (256 * 256 * 4) // (pixels * pixels))
    for start in range(rank * batch, count, workers * batch):
        seeds = range(FIRST_SEED[pixels] + start, FIRST_SEED[pixels] + min(count, start + batch))
        pictures = to_signed(torch.stack([picture_tensor(seed, pixels) for seed in seeds])).to(device)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(torch.device(device).type, torch.bfloat16):
            mean = net.moments(pictures)[0].float()
        out[start : start + len(seeds)] = (mean * Autoencoder.SCALE).cpu().numpy().astype(np.float16)


def encode_pool(workdir: Path, pixels: int, count: int, workers: int, device: str = "cpu") -> None:
    """Render and encode `count` pictures of a size into the work folder, in parallel."""
    side = pixels // 8
    np.lib.format.open_memmap(pool_path(workdir, pixels), "w+", np.float16, (count, 4, side, side)).flush()
    mp.spawn(_encode, args=(workers, str(workdir), pixels, count, device), nprocs=workers, join=True)
