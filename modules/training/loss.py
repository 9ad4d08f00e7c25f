"""What is learned at each step: noise added to latents, and how far the network is from what it should say."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.foundation.errors import RequestError
from modules.sampling.model_schedule import ModelSchedule
from modules.training.draws import generator


@dataclass(frozen=True, kw_only=True, eq=False)
class NoisedBatch:
    """Latents on their way: noised `x` [B, C, h, w] at times `t` [B], and the `target` that the network should give."""

    x: Tensor
    t: Tensor
    target: Tensor
    snr: Tensor


def noised_batch(
    latents: Tensor, schedule: ModelSchedule, *, seed: int, number: int, noise_offset: float = 0.0
) -> NoisedBatch:
    """Noise of a random time for each latent (Ho et al. 2020, equation 4): x = sqrt(abar) x0 + sqrt(1 - abar) eps.

    The target is eps, or v = sqrt(abar) eps - sqrt(1 - abar) x0 (Salimans, Ho 2022). `noise_offset` shifts the noise
    of each channel as a whole, by which very dark and bright pictures are learned (Guttenberg 2023). The draws are
    those of batch `number` alone.
    """
    drawing = generator(seed, "step", number)
    count = len(latents)
    steps = torch.randint(0, len(schedule.alphas_cumprod), (count,), generator=drawing)
    noise = torch.randn(latents.shape, generator=drawing)
    if noise_offset:
        noise = noise + noise_offset * torch.randn(count, latents.shape[1], 1, 1, generator=drawing)
    abar = schedule.alphas_cumprod[steps].view(-1, 1, 1, 1)
    signal, spread = abar.sqrt(), (1 - abar).sqrt()
    match schedule.prediction:
        case "epsilon":
            target = noise
        case "v_prediction":
            target = signal * noise - spread * latents
        case "flow":
            raise RequestError("Models of rectified flow cannot be trained here.", "checkpoint")
    return NoisedBatch(
        x=signal * latents + spread * noise,
        t=steps * schedule.stride + (schedule.stride - 1),
        target=target,
        snr=(abar / (1 - abar)).flatten(),
    )


def min_snr_weight(snr: Tensor, gamma: float, prediction: str) -> Tensor:
    """What the loss of each row counts, [B]: min(SNR, gamma) / SNR for noise, / (SNR + 1) for v.

    Hang et al. 2023, "Efficient Diffusion Training via Min-SNR Weighting Strategy", section 3.4.
    """
    capped = snr.clamp(max=gamma)
    return capped / (snr + 1) if prediction == "v_prediction" else capped / snr


def batch_loss(output: Tensor, target: Tensor, row_weight: Tensor | None, cell_weight: Tensor | None) -> Tensor:
    """The mean squared error of `output` [B, C, h, w], weighted by row [B] and by cell [B, 1, h, w]."""
    squares = (output.float() - target.float()) ** 2
    if cell_weight is not None:
        squares = squares * cell_weight
    rows = squares.mean(dim=(1, 2, 3))
    return (rows if row_weight is None else rows * row_weight).mean()
