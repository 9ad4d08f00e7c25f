"""From a network's raw output to what samplers work with.

Karras et al. 2022 (EDM), section 5, "preconditioning": D(x; sigma) = c_skip x + c_out F(c_in x; c_noise). For a model
that was trained to predict noise, c_skip = 1 and c_out = -sigma; for one that predicts v (Salimans, Ho 2022,
"Progressive Distillation", appendix D), c_skip = 1 / (sigma^2 + 1) and c_out = -sigma / sqrt(sigma^2 + 1). In both,
c_in = 1 / sqrt(sigma^2 + 1) and c_noise is the training time step of sigma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from modules.sampling.model_schedule import ModelSchedule, lcm_schedule

if TYPE_CHECKING:
    from torch import Tensor


class Denoiser(Protocol):
    """How one kind of sampler reads a network. `level` is a noise level or a time step, as the sampler counts."""

    schedule: ModelSchedule

    def __init__(self, schedule: ModelSchedule) -> None: ...

    def network_input(self, x: Tensor, level: float) -> tuple[Tensor, float]:
        """The scaled input and the time step to give to the network."""
        ...

    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        """What the sampler works with, from the network's output for `x`."""
        ...

    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        """The network's output that `estimate` stands for; the inverse of `estimate`."""
        ...


class SigmaDenoiser:
    """D(x; sigma), the denoised latent, for samplers over noise levels."""

    def __init__(self, schedule: ModelSchedule) -> None:
        self.schedule = schedule

    def network_input(self, x: Tensor, level: float) -> tuple[Tensor, float]:
        return x * (1 / (level**2 + 1) ** 0.5), self.schedule.time_of(level)

    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        if self.schedule.prediction == "epsilon":
            return x - output * level
        variance = level**2 + 1
        return x / variance - output * (level / variance**0.5)

    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        if self.schedule.prediction == "epsilon":
            return (x - estimate) / level
        variance = level**2 + 1
        return (x / variance - estimate) / (level / variance**0.5)


class TimestepDenoiser:
    """epsilon(x, t), the noise estimate, for samplers over time steps; x has unit variance and goes in as it is."""

    def __init__(self, schedule: ModelSchedule) -> None:
        self.schedule = schedule

    def network_input(self, x: Tensor, level: float) -> tuple[Tensor, float]:
        return x, level

    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        if self.schedule.prediction == "epsilon":
            return output
        abar = self.schedule.host_alphas_cumprod[int(level)]
        return output * abar**0.5 + x * (1 - abar) ** 0.5

    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        if self.schedule.prediction == "epsilon":
            return estimate
        abar = self.schedule.host_alphas_cumprod[int(level)]
        return (estimate - x * (1 - abar) ** 0.5) / abar**0.5


class ConsistencyDenoiser(SigmaDenoiser):
    """D(x; sigma) with the boundary condition of consistency models (Luo et al. 2023, equation 9).

    f(x, t) = c_skip(t) x + c_out(t) D(x; sigma), with sigma_data 0.5 and time scaled by 10. `schedule` is the model's
    full one; noise levels map to the fifty time steps of the distillation.
    """

    SIGMA_DATA = 0.5
    TIME_SCALE = 10.0

    def __init__(self, schedule: ModelSchedule) -> None:
        super().__init__(schedule if schedule.stride > 1 else lcm_schedule(schedule))

    def _boundary(self, level: float) -> tuple[float, float]:
        t = self.schedule.time_of(level) * self.TIME_SCALE
        variance = t**2 + self.SIGMA_DATA**2
        return self.SIGMA_DATA**2 / variance, t / variance**0.5

    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        c_skip, c_out = self._boundary(level)
        return super().estimate(output, x, level) * c_out + x * c_skip

    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        c_skip, c_out = self._boundary(level)
        return super().prediction((estimate - x * c_skip) / c_out, x, level)
