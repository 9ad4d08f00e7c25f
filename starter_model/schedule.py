"""The noise schedule of Stable Diffusion 1 and how training weighs its timesteps."""

from __future__ import annotations

import torch
from torch import Tensor

TIMESTEPS = 1000


def alphas_cumprod() -> Tensor:
    """Products of (1 - beta) for the scaled-linear betas 0.00085 .. 0.012, [1000] float32."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def loss_weight(alpha_bar: Tensor, share: float = 0.5) -> Tensor:
    """Weight of the squared noise error: near that of the picture error where noise rules, min-SNR-5 where it does not.

    The plain noise error gives the text almost no gradient at high noise, where the text decides everything. `share`
    is that of the second term; a larger one, late in training, gets rid of grain.
    Hang et al., "Efficient Diffusion Training via Min-SNR Weighting Strategy" (2023).
    """
    ratio = alpha_bar / (1 - alpha_bar)
    return 1 / (ratio + 0.05) + share * torch.clamp(5 / ratio, max=1.0)


def draw_timesteps(count: int, uniform_share: float = 0.25, device: str = "cpu") -> Tensor:
    """A share uniform, the rest uniform over the noisiest 600, where colours, places and shapes are decided."""
    uniform = torch.randint(0, TIMESTEPS, (count,), device=device)
    noisy = torch.randint(400, TIMESTEPS, (count,), device=device)
    return torch.where(torch.rand(count, device=device) < uniform_share, uniform, noisy)
