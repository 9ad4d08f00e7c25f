"""How samplers read a network, and what the levels are that they walk along.

There are three readings: the denoised latent over noise levels, the noise estimate over time steps, and the consistency
function. A `Sampler` names the one that it works with. What the numbers of a network mean is the business of the
model's `Parameterisation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from modules.sampling.model_schedule import ModelSchedule
    from modules.sampling.parameterisation import VarianceExploding
    from modules.sampling.plan import SigmaPlan


class Denoiser(ABC):
    """A network's output as one kind of sampler takes it. `level` is a noise level or a time step, as it counts.

    `schedule` holds the levels that the sampler works with, which may be fewer than the model's.
    """

    blends_input: ClassVar[bool] = False
    """Whether inpainting puts the source back into the sampler's input, not into the estimate."""
    scales_noise: ClassVar[bool] = True
    """Whether the first noise is scaled to the first level, so that how this is done is worth telling."""
    eta_option: ClassVar[str] = "eta_ancestral"
    """The option that says how much noise is added where a request does not."""
    eta_label: ClassVar[str] = "Eta"
    default_eta: ClassVar[float] = 1.0
    """The eta at which nothing is written to a picture's parameters."""

    def __init__(self, schedule: ModelSchedule) -> None:
        self.schedule = schedule

    @abstractmethod
    def network_input(self, x: Tensor, level: float) -> tuple[Tensor, float]:
        """The scaled input and the time to give to the network."""

    @abstractmethod
    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        """What the sampler works with, from the network's output for `x`."""

    @abstractmethod
    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        """The network's output that `estimate` stands for; the inverse of `estimate`."""

    @abstractmethod
    def timesteps(self, steps: int) -> Tensor | None:
        """The rising time steps [n] to visit, int64; None for samplers over noise levels."""

    @abstractmethod
    def first(self, noise: Tensor, plan: SigmaPlan, *, data_variance: bool = False) -> Tensor:
        """Unit noise as the latent that a run of `plan` begins with."""

    @abstractmethod
    def noised(self, clean: Tensor, noise: Tensor, plan: SigmaPlan, later: SigmaPlan, t_enc: int) -> Tensor:
        """A clean latent noised to where `later` begins, the part of `plan` that is left after `img2img_steps`."""

    @abstractmethod
    def clean_share(self, plan: SigmaPlan, t_enc: int) -> float:
        """The factor of the clean latent where a run from an image begins."""

    @staticmethod
    @abstractmethod
    def share_done(schedule: ModelSchedule, level: float) -> float:
        """How much of the levels of a model's whole `schedule` lies behind, 0 to nearly 1."""


class SigmaDenoiser(Denoiser):
    """D(x; level), the denoised latent, for samplers over noise levels."""

    def network_input(self, x: Tensor, level: float) -> tuple[Tensor, float]:
        return self.schedule.parameterisation.network_input(x, level), self.schedule.time_of(level)

    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        return self.schedule.parameterisation.denoised(output, x, level)

    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        return self.schedule.parameterisation.output(estimate, x, level)

    def timesteps(self, steps: int) -> Tensor | None:
        return None

    def first(self, noise: Tensor, plan: SigmaPlan, *, data_variance: bool = False) -> Tensor:
        return self.schedule.parameterisation.first(noise, float(plan.sigmas[0]), data_variance=data_variance)

    def noised(self, clean: Tensor, noise: Tensor, plan: SigmaPlan, later: SigmaPlan, t_enc: int) -> Tensor:
        return self.schedule.parameterisation.noised(clean, noise, float(later.sigmas[0]))

    def clean_share(self, plan: SigmaPlan, t_enc: int) -> float:
        first = float(plan.sigmas[max(plan.steps - t_enc - 1, 0)])
        return self.schedule.parameterisation.alpha(first)

    @staticmethod
    def share_done(schedule: ModelSchedule, level: float) -> float:
        nearest = int((schedule.sigmas - level).abs().argmin())
        last = schedule.total_steps - 1
        return (last - (nearest * schedule.stride + schedule.stride - 1)) / schedule.total_steps


class TimestepDenoiser(Denoiser):
    """epsilon(x, t), the noise estimate, for samplers over time steps; x has unit variance and goes in as it is."""

    blends_input = True
    scales_noise = False
    eta_option = "eta_ddim"
    eta_label = "Eta DDIM"
    default_eta = 0.0

    @property
    def _parameterisation(self) -> VarianceExploding:
        from modules.sampling.parameterisation import VarianceExploding

        found = self.schedule.parameterisation
        assert isinstance(found, VarianceExploding), "plans over time steps are refused for other models"
        return found

    def network_input(self, x: Tensor, level: float) -> tuple[Tensor, float]:
        return x, level

    def estimate(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        return self._parameterisation.noise_estimate(output, x, self.schedule.host_alphas_cumprod[int(level)])

    def prediction(self, estimate: Tensor, x: Tensor, level: float) -> Tensor:
        return self._parameterisation.output_of_noise(estimate, x, self.schedule.host_alphas_cumprod[int(level)])

    def timesteps(self, steps: int) -> Tensor | None:
        """DDIM's "uniform" choice of training steps: every (T // n)-th, one step late. May hold more than n entries."""
        import torch

        if steps == 0:
            return torch.zeros(0, dtype=torch.long)
        total = self.schedule.total_steps
        return (torch.arange(0, total, max(total // steps, 1)) + 1).clamp(max=total - 1)

    def first(self, noise: Tensor, plan: SigmaPlan, *, data_variance: bool = False) -> Tensor:
        return noise

    def noised(self, clean: Tensor, noise: Tensor, plan: SigmaPlan, later: SigmaPlan, t_enc: int) -> Tensor:
        assert plan.timesteps is not None
        if len(plan.timesteps) == 0:
            return clean
        share = self.clean_share(plan, t_enc)
        return clean * share + noise * (1 - share**2) ** 0.5

    def clean_share(self, plan: SigmaPlan, t_enc: int) -> float:
        """sqrt(abar)."""
        assert plan.timesteps is not None
        if len(plan.timesteps) == 0:
            return 1.0
        return self.schedule.host_alphas_cumprod[int(plan.timesteps[min(t_enc, len(plan.timesteps) - 1)])] ** 0.5

    @staticmethod
    def share_done(schedule: ModelSchedule, level: float) -> float:
        return (schedule.total_steps - 1 - int(level)) / schedule.total_steps


class ConsistencyDenoiser(SigmaDenoiser):
    """D(x; sigma) with the boundary condition of consistency models (Luo et al. 2023, equation 9).

    f(x, t) = c_skip(t) x + c_out(t) D(x; sigma), with sigma_data 0.5 and time scaled by 10. It is given the model's
    full schedule; noise levels map to the fifty time steps of the distillation.
    """

    SIGMA_DATA = 0.5
    TIME_SCALE = 10.0

    def __init__(self, schedule: ModelSchedule) -> None:
        from modules.sampling.model_schedule import lcm_schedule

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
