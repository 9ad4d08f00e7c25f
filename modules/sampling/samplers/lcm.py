"""Latent consistency models: Luo et al. 2023, "Latent Consistency Models: Synthesizing High-Resolution Images with
Few-Step Inference", algorithm 3."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise


def sample_lcm(model: Model, x: Tensor, sigmas: Sequence[float], *, noise: StepNoise, callback: Callback) -> Tensor:
    """Multistep consistency sampling: jump to the finished latent, noise it to the next level, repeat."""
    total = len(sigmas) - 1
    for index, (sigma, sigma_next) in enumerate(itertools.pairwise(sigmas)):
        denoised = model(x, sigma)
        callback(SamplerStep(index=index, total=total, sigma=sigma, x=x, denoised=denoised))
        x = denoised
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * sigma_next
    return x
