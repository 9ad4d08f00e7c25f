"""A small picture of a latent, cheap enough to make at every step: one linear map per latent pixel, no decoder.

Samplers never write into a tensor that they have reported, so a `SamplerStep`'s `denoised` can be kept and made into a
picture later, by another thread; only that thread then waits for the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LinearDecoder:
    """red, green and blue in 0..1 as `factors` [channels][3] times the latent plus `bias` [3]."""

    factors: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float]


SD1 = LinearDecoder(
    factors=((0.149, 0.1035, 0.104), (0.0935, 0.143, 0.0865), (-0.079, 0.0945, 0.132), (-0.092, -0.1355, -0.2365)),
    bias=(0.5, 0.5, 0.5),
)
"""Stable Diffusion 1 and 2: Kevin Turner 2022, "Decoding latents to RGB without upscaling" (Hugging Face forum)."""

SDXL = LinearDecoder(
    factors=(
        (60 / 255, 60 / 255, 60 / 255),
        (-60 / 255, -5 / 255, 10 / 255),
        (25 / 255, 15 / 255, -5 / 255),
        (-70 / 255, -50 / 255, -35 / 255),
    ),
    bias=(150 / 255, 140 / 255, 130 / 255),
)
"""SDXL: Timothy Alexis Vass 2023, "Explaining the SDXL latent space" (Hugging Face blog)."""


def decode_linear(latents: Tensor, decoder: LinearDecoder) -> NDArray[np.uint8]:
    """Pictures uint8 [B, H, W, 3] of latents [B, C, H, W], one pixel for each latent pixel.

    Channels that the decoder does not know are left out. Waits for the device: not for use inside of a sampler's loop.
    """
    factors = torch.tensor(decoder.factors, dtype=torch.float32, device=latents.device)
    known = latents[:, : len(factors)].float()
    rgb = torch.einsum("bchw,cr->bhwr", known, factors[: known.shape[1]])
    rgb = rgb + torch.tensor(decoder.bias, dtype=torch.float32, device=latents.device)
    return (rgb.nan_to_num(0.5).clamp(0, 1) * 255).to(torch.uint8).cpu().numpy()


def fit_linear(latents: Tensor, images: Tensor) -> LinearDecoder:
    """The decoder nearest to a VAE's own: least squares over latents [B, C, H, W] and their decoded pictures.

    `images` [B, 3, h, w] in 0..1 may be larger than the latents by any whole factor; they are averaged down.
    """
    size = (latents.shape[-2], latents.shape[-1])
    small = torch.nn.functional.adaptive_avg_pool2d(images.double(), size)
    inputs = latents.double().movedim(1, -1).reshape(-1, latents.shape[1])
    inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)
    solution, *_ = np.linalg.lstsq(inputs.cpu().numpy(), small.movedim(1, -1).reshape(-1, 3).cpu().numpy())
    *factors, bias = [(float(red), float(green), float(blue)) for red, green, blue in solution]
    return LinearDecoder(factors=tuple(factors), bias=bias)
