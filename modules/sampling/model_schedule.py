"""The noise levels a checkpoint was trained on, and the way between noise levels and time steps.

A discrete diffusion model knows T (1000) levels, given by the cumulative products alphas_cumprod (Ho et al. 2020,
"Denoising Diffusion Probabilistic Models"). In the variance-exploding form used by Karras et al. 2022 ("Elucidating
the Design Space of Diffusion-Based Generative Models") the same level is sigma = sqrt((1 - abar) / abar).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modules.foundation.errors import CheckpointError
from modules.sampling.parameterisation import PARAMETERISATIONS, Parameterisation, Prediction

ZERO_TERMINAL_ABAR = 4.8973451890853435e-08
"""What stands for a terminal abar of zero, so that the largest sigma (about 4519) stays finite in float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelSchedule:
    """The discrete schedule of one model. Build it with `ModelSchedule.of`.

    `alphas_cumprod`, `sigmas` and `log_sigmas` are float32 tensors [T] on the CPU, sigmas rising with the time step.
    With `quantize`, noise levels map to whole time steps. `stride` is the distance of neighbouring entries in time
    steps (20 for the 50 levels of a latent consistency model, otherwise 1). `automatic` is the schedule that such
    models are sampled with where none is chosen; None leaves it to the sampler.
    """

    alphas_cumprod: Tensor
    sigmas: Tensor
    log_sigmas: Tensor
    prediction: Prediction = "epsilon"
    quantize: bool = False
    stride: int = 1
    automatic: str | None = None

    @classmethod
    def of(
        cls,
        alphas_cumprod: Tensor,
        *,
        prediction: Prediction = "epsilon",
        quantize: bool = False,
        stride: int = 1,
    ) -> ModelSchedule:
        """The schedule that `alphas_cumprod` [T] implies.

        Raises CheckpointError if the values do not fall from near one to near zero.
        """
        alphas = alphas_cumprod.detach().to(device="cpu", dtype=torch.float32)
        if alphas.ndim != 1 or len(alphas) < 2 or not bool((alphas > 0).all() and (alphas <= 1).all()):
            raise CheckpointError(
                "The checkpoint's alphas_cumprod is not a list of numbers between 0 and 1, so its noise levels are "
                "unknown. The file is damaged or of another kind; try another copy of it."
            )
        # NumPy's square root is correctly rounded on every machine; torch's may be off by a last place.
        sigmas = torch.as_tensor(np.sqrt(((1 - alphas) / alphas).numpy()))
        return cls(
            alphas_cumprod=alphas,
            sigmas=sigmas,
            log_sigmas=_log(sigmas),
            prediction=prediction,
            quantize=quantize,
            stride=stride,
        )

    @property
    def parameterisation(self) -> Parameterisation:
        """How latents are noised to these levels, and what the network predicts there."""
        return PARAMETERISATIONS[self.prediction]

    @property
    def sigma_min(self) -> float:
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        return float(self.sigmas[-1])

    @property
    def total_steps(self) -> int:
        """The number of training time steps (1000)."""
        return len(self.sigmas) * self.stride

    def sigma_to_t(self, sigma: Tensor, *, quantize: bool | None = None) -> Tensor:
        """Time steps for noise levels of any shape: interpolated in log sigma, or the nearest entry's."""
        log_sigma = _log(sigma)
        distances = log_sigma.reshape(1, -1) - self.log_sigmas[:, None]
        if self.quantize if quantize is None else quantize:
            index = distances.abs().argmin(dim=0)
            return (index * self.stride + (self.stride - 1)).view(sigma.shape)
        low_index = (distances >= 0).sum(dim=0).sub(1).clamp(min=0, max=len(self.log_sigmas) - 2)
        low, high = self.log_sigmas[low_index], self.log_sigmas[low_index + 1]
        weight = ((low - log_sigma.reshape(-1)) / (low - high)).clamp(0, 1)
        index = (1 - weight) * low_index + weight * (low_index + 1)
        return (index * self.stride + (self.stride - 1)).view(sigma.shape)

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """Noise levels for time steps, which may lie between two entries; interpolated in log sigma."""
        index = ((t.float() - (self.stride - 1)) / self.stride).clamp(0, len(self.sigmas) - 1)
        low, high, weight = index.floor().long(), index.ceil().long(), index.frac()
        return ((1 - weight) * self.log_sigmas[low] + weight * self.log_sigmas[high]).double().exp().float()

    def time_of(self, sigma: float) -> float:
        """`sigma_to_t` for one number, without a tensor: called before every evaluation of the network."""
        logs = self._host_log_sigmas
        log_sigma = np.float32(math.log(np.float32(sigma)))
        position = int(np.searchsorted(logs, log_sigma, side="right"))
        low = min(max(position - 1, 0), len(logs) - 2)
        weight = min(max(float((logs[low] - log_sigma) / (logs[low] - logs[low + 1])), 0.0), 1.0)
        if self.quantize:
            return float((low + (weight > 0.5)) * self.stride + self.stride - 1)
        return float(np.float32((low + weight) * self.stride + self.stride - 1))

    @cached_property
    def _host_log_sigmas(self) -> NDArray[np.float32]:
        return self.log_sigmas.numpy()

    @cached_property
    def host_alphas_cumprod(self) -> list[float]:
        """`alphas_cumprod` as Python numbers, for coefficients that are worked out on the host."""
        return [float(value) for value in self.alphas_cumprod.numpy()]


def _log(values: Tensor) -> Tensor:
    """The logarithm, rounded to float32 only once; single-precision ones differ between machines in the last place."""
    return values.double().log().float()


def scaled_linear_alphas_cumprod(*, beta_start: float = 0.00085, beta_end: float = 0.012, steps: int = 1000) -> Tensor:
    """Stable Diffusion's schedule (Rombach et al. 2022): square roots of beta are evenly spaced. Float32 [steps]."""
    betas = np.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=np.float64) ** 2
    return torch.as_tensor(np.cumprod(1 - betas), dtype=torch.float32)


def rescale_zero_terminal_snr(schedule: ModelSchedule) -> ModelSchedule:
    """The schedule shifted and scaled so that the last level is pure noise.

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1. The last value is a
    tiny positive number, not zero.
    """
    root = schedule.alphas_cumprod.sqrt()
    first, last = root[0].clone(), root[-1].clone()
    alphas = ((root - last) * (first / (first - last))) ** 2
    alphas[-1] = ZERO_TERMINAL_ABAR
    return _with_alphas(schedule, alphas)


def downcast_alphas_cumprod(schedule: ModelSchedule) -> ModelSchedule:
    """The schedule after its alphas_cumprod went through float16, as older versions computed with it."""
    return _with_alphas(schedule, schedule.alphas_cumprod.half())


def lcm_schedule(schedule: ModelSchedule, *, original_steps: int = 50) -> ModelSchedule:
    """Every (T / original_steps)-th level: those a latent consistency model was distilled on (Luo et al. 2023)."""
    stride = len(schedule.alphas_cumprod) // original_steps
    alphas = schedule.alphas_cumprod.flip(0)[::stride][:original_steps].flip(0)
    return ModelSchedule.of(alphas, prediction=schedule.prediction, quantize=True, stride=stride)


def _with_alphas(schedule: ModelSchedule, alphas: Tensor) -> ModelSchedule:
    return ModelSchedule.of(alphas, prediction=schedule.prediction, quantize=schedule.quantize, stride=schedule.stride)
