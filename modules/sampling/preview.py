"""A small picture of a latent, cheap enough to make at every step: one linear map per latent pixel, no decoder.

Samplers never write into a tensor that they have reported, so a `SamplerStep`'s `denoised` can be kept and made into a
picture later, by another thread; only that thread then waits for the device.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modules.sampling.latent_space import LinearDecoder


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
