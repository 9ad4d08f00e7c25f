"""Sheets of pictures, to look at while training and for the documentation."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from starter_model.conditioning import Conditioner
from starter_model.dataset import load_vae
from starter_model.networks import Autoencoder, UNet
from starter_model.sampler import pictures_of
from starter_model.tokens import Words
from starter_model.unet import load_conditioner, load_unet

PROMPTS = (
    "a red circle on a blue background",
    "a yellow square on a black background",
    "a green triangle on a white background",
    "a purple star on a yellow background",
    "a pink heart on a cyan background",
    "an orange diamond on a purple background",
    "a white cross on a red background",
    "a black ring on a pink background",
    "blue heart, white background",
    "a red star on a black background, outlined",
    "a red circle and a blue square on a white background",
    "a black cat on a yellow background",
    "a red house on a green hill, night sky",
    "a blue boat on the sea, sunset sky, the sun",
    "a green tree in the snow by day",
    "an orange cat on a green hill, sun",
)


@dataclass(frozen=True, kw_only=True)
class Networks:
    """All that makes a picture."""

    unet: UNet
    vae: Autoencoder
    conditioner: Conditioner


def load(workdir: Path, model: Path | None, words: Words, *, raw: bool = False) -> Networks:
    """From an exported file where given, else from the work folder."""
    if model is not None:
        from starter_model.export import load_exported

        return load_exported(model, words)
    unet = load_unet(workdir, ema=not raw)
    return Networks(unet=unet, vae=load_vae(workdir), conditioner=load_conditioner(workdir, words))


def arrange(pictures: np.ndarray, columns: int, shown: int) -> Image.Image:
    """Pictures [n, h, w, 3] side by side, each reduced to `shown` pixels."""
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * shown, rows * shown), (128, 128, 128))
    for i, picture in enumerate(pictures):
        small = Image.fromarray(picture).resize((shown, shown), Image.Resampling.LANCZOS)
        out.paste(small, (i % columns * shown, i // columns * shown))
    return out


def sheet(options: argparse.Namespace) -> None:
    """The `sheet` command."""
    torch.set_num_threads(max(1, options.workers))
    prompts = [p for p in options.prompts.read_text().splitlines() if p] if options.prompts else list(PROMPTS)
    nets = load(options.workdir, options.model, Words(), raw=options.raw)
    made = pictures_of(
        nets.unet, nets.vae, nets.conditioner, prompts,
        seeds=[options.seed + i for i in range(len(prompts))], negatives=options.negative,
        size=(options.size, options.size), steps=options.steps, scale=options.scale,
        batch=8 if options.size <= 256 else 2,
    )  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    arrange(made, options.columns, options.shown).save(options.out)
    print(json.dumps({"pictures": len(made), "out": str(options.out)}))
