"""A small Euler sampler with classifier-free guidance, for sheets while training. The product's engine is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from starter_model.conditioning import Conditioner
from starter_model.networks import Autoencoder, UNet
from starter_model.schedule import alphas_cumprod


def noise_levels(steps: int) -> tuple[Tensor, Tensor]:
    """Sigmas (steps + 1, the last 0) and their timesteps, evenly spaced in time from 999 to 0."""
    alphas = alphas_cumprod().double()
    log_sigmas = ((1 - alphas) / alphas).log() / 2
    t = torch.linspace(999, 0, steps, dtype=torch.float64)
    low = t.floor().long()
    high = (low + 1).clamp(max=999)
    sigmas = torch.lerp(log_sigmas[low], log_sigmas[high], t - low).exp()
    return torch.cat([sigmas, sigmas.new_zeros(1)]).float(), t.float()


@torch.no_grad()
def sample(
    unet: UNet,
    positive: Tensor,
    negative: Tensor,
    seeds: Sequence[int],
    *,
    size: tuple[int, int] = (256, 256),
    steps: int = 20,
    scale: float = 5.0,
    start: Tensor | None = None,
    strength: float = 1.0,
) -> Tensor:
    """Latents [b, 4, h/8, w/8] for texts [b, n, c]; from `start` latents with `strength` 0..1 it is image to image."""
    height, width = size[0] // 8, size[1] // 8
    noise = torch.stack([torch.randn(4, height, width, generator=torch.Generator().manual_seed(s)) for s in seeds])
    sigmas, times = noise_levels(steps)
    first = 0 if start is None else min(steps - 1, round(steps * (1 - strength)))
    x = noise * sigmas[first] if start is None else start + noise * sigmas[first]
    text = torch.cat([positive, negative.expand(len(seeds), -1, -1)])
    for i in range(first, steps):
        network_input = (
            (x / (sigmas[i] ** 2 + 1).sqrt()).repeat(2, 1, 1, 1).contiguous(memory_format=torch.channels_last)
        )
        with torch.autocast("cpu", torch.bfloat16):
            with_text, without = unet(network_input, times[i].expand(len(network_input)), text).float().chunk(2)
        x = x + (without + scale * (with_text - without)) * (sigmas[i + 1] - sigmas[i])
    return x


@torch.no_grad()
def to_pictures(vae: Autoencoder, latents: Tensor) -> np.ndarray:
    """Scaled latents to uint8 pictures [b, h, w, 3]."""
    made = vae.decode((latents / Autoencoder.SCALE).contiguous(memory_format=torch.channels_last))
    return ((made.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def pictures_of(
    unet: UNet,
    vae: Autoencoder,
    conditioner: Conditioner,
    prompts: Sequence[str],
    *,
    seeds: Sequence[int] | None = None,
    negatives: Sequence[str] | str = "",
    batch: int = 8,
    clip_skip: int = 1,
    size: tuple[int, int] = (256, 256),
    steps: int = 20,
    scale: float = 5.0,
) -> np.ndarray:
    """Pictures [n, h, w, 3] of prompts, a few at a time."""
    chosen = list(seeds) if seeds is not None else list(range(len(prompts)))
    negative = [negatives] * len(prompts) if isinstance(negatives, str) else list(negatives)
    made: list[np.ndarray] = []
    for i in range(0, len(prompts), batch):
        part = slice(i, i + batch)
        positive = conditioner.texts(list(prompts[part]), clip_skip)
        against = conditioner.texts(negative[part], clip_skip)
        latents = sample(unet, positive, against, chosen[part], size=size, steps=steps, scale=scale)
        made.append(to_pictures(vae, latents))
    return np.concatenate(made)
