"""Samplers over time steps: DDIM, DDIM CFG++ and PLMS.

They are given the rising list of time steps to visit and walk it from the noisy end; each step leads to the time step
before, and the first entry is where the walk ends. abar stands for alphas_cumprod (Ho et al. 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from modules.sampling.step import Callback, Model, StepNoise


def predicted_x0(x: Tensor, eps: Tensor, abar: float) -> Tensor:
    """The finished latent that a noise estimate implies (DDIM, equation 9)."""
    return (x - eps * (1 - abar) ** 0.5) / abar**0.5


def noise_level(abar: float) -> float:
    """sigma of the variance-exploding form."""
    return ((1 - abar) / abar) ** 0.5


def sample_ddim(
    model: Model,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas_cumprod: Sequence[float],
    noise: StepNoise,
    callback: Callback,
    eta: float = 0.0,
) -> Tensor:
    """Song, Meng, Ermon 2021, "Denoising Diffusion Implicit Models", equation 12; `eta` as in equation 16."""
    total = len(timesteps) - 1
    for index in range(total):
        t, t_next = timesteps[total - index], timesteps[total - index - 1]
        abar, abar_next = alphas_cumprod[t], alphas_cumprod[t_next]
        eps = model(x, t)
        x0 = predicted_x0(x, eps, abar)
        callback(SamplerStep(index=index, total=total, sigma=noise_level(abar), x=x, denoised=x0))
        deviation = eta * ((1 - abar_next) / (1 - abar) * (1 - abar / abar_next)) ** 0.5
        x = x0 * abar_next**0.5 + eps * (1 - abar_next - deviation**2) ** 0.5
        if eta:
            x = x + noise(noise_level(abar), noise_level(abar_next)) * deviation
    return x


def sample_ddim_cfgpp(
    model: Model,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas_cumprod: Sequence[float],
    noise: StepNoise,
    callback: Callback,
    eta: float = 0.0,
) -> Tensor:
    """Chung et al. 2024, "CFG++: Manifold-constrained Classifier Free Guidance for Diffusion Models", algorithm 2.

    The guided estimate removes noise, the unconditional one puts it back. The model arrives with its guidance scale
    already brought into the paper's range.
    """
    total = len(timesteps) - 1
    for index in range(total):
        t, t_next = timesteps[total - index], timesteps[total - index - 1]
        abar, abar_next = alphas_cumprod[t], alphas_cumprod[t_next]
        eps, eps_uncond = model.with_uncond(x, t)
        x0 = predicted_x0(x, eps, abar)
        callback(SamplerStep(index=index, total=total, sigma=noise_level(abar), x=x, denoised=x0))
        deviation = eta * ((1 - abar_next) / (1 - abar) * (1 - abar / abar_next)) ** 0.5
        x = x0 * abar_next**0.5 + eps_uncond * (1 - abar_next - deviation**2) ** 0.5
        if eta:
            x = x + noise(noise_level(abar), noise_level(abar_next)) * deviation
    return x


_ADAMS_BASHFORTH = {
    1: (3 / 2, -1 / 2),
    2: (23 / 12, -16 / 12, 5 / 12),
    3: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}
"""Weights of the newest and the earlier estimates, by how many earlier ones there are (PLMS, equation 9)."""


def sample_plms(
    model: Model,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas_cumprod: Sequence[float],
    noise: StepNoise,
    callback: Callback,
) -> Tensor:
    """Liu, Ren, Lin, Zhao 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds": pseudo linear multistep.

    The first step is a pseudo improved Euler step, which evaluates the model a second time.
    """
    total = len(timesteps) - 1
    earlier: list[Tensor] = []
    for index in range(total):
        t, t_next = timesteps[total - index], timesteps[total - index - 1]
        abar, abar_next = alphas_cumprod[t], alphas_cumprod[t_next]
        eps = model(x, t)
        if earlier:
            weights = _ADAMS_BASHFORTH[len(earlier)]
            estimate = eps * weights[0]
            for weight, past in zip(weights[1:], earlier, strict=True):
                estimate = estimate + past * weight
        else:
            estimate = (eps + model(_transfer(x, eps, abar, abar_next), t_next)) / 2
        denoised = predicted_x0(x, estimate, abar)
        callback(SamplerStep(index=index, total=total, sigma=noise_level(abar), x=x, denoised=denoised))
        x = _transfer(x, estimate, abar, abar_next)
        earlier = [eps, *earlier][:3]
    return x


def _transfer(x: Tensor, eps: Tensor, abar: float, abar_next: float) -> Tensor:
    """PNDM's transfer part: DDIM's deterministic step."""
    return predicted_x0(x, eps, abar) * abar_next**0.5 + eps * (1 - abar_next) ** 0.5
