"""How latents are noised, and what a network's output says about them: one object for each kind of model.

A noised latent is x = alpha x0 + sigma eps, and samplers walk along a list of levels that fall to zero.

* Models that predict noise (Ho et al. 2020) or v (Salimans, Ho 2022, "Progressive Distillation for Fast Sampling of
  Diffusion Models", appendix D) are sampled in the variance-exploding form of Karras et al. 2022, "Elucidating the
  Design Space of Diffusion-Based Generative Models" (EDM): alpha is 1 and the level is sigma.
* Rectified flow (Liu et al. 2023, "Flow Straight and Fast"; Lipman et al. 2023, "Flow Matching for Generative
  Modeling") has alpha = 1 - t and sigma = t; the level is t, from 1 to 0, and the network gives eps - x0.

In both forms the probability flow is dx/dlevel = (x - D) / level, where D is the denoised latent (EDM, equation 3; for
flow it is eps - x0 with eps = (x - (1 - t) x0) / t). Solvers of that equation are therefore the same code for both;
what differs is here: the noise that is added, and how the network is read.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

Prediction = Literal["epsilon", "v_prediction", "flow"]


class AncestralStep(NamedTuple):
    """Down to the level `down` without noise, then times `scale`, plus noise of deviation `up`: the level wanted."""

    down: float
    up: float
    scale: float = 1.0

    def raised(self, x: Tensor, noise: Tensor, s_noise: float = 1.0) -> Tensor:
        """`x` at level `down`, brought up by unit noise; `s_noise` is the user's factor for that noise."""
        kept = x if self.scale == 1.0 else x * self.scale
        return kept + noise * (s_noise * self.up)


class Parameterisation(ABC):
    """The noising of one kind of model, in the levels that samplers walk along."""

    name: ClassVar[Prediction]
    highest: ClassVar[float] = math.inf
    """No level lies above."""
    is_discrete: ClassVar[bool] = True
    """Whether the levels are those of a variance-preserving process with numbered time steps."""

    @abstractmethod
    def alpha(self, level: float) -> float:
        """The factor of the clean latent in a noised one."""

    @abstractmethod
    def noised(self, clean: Tensor, noise: Tensor, level: float) -> Tensor:
        """`clean` with unit `noise` at `level`."""

    @abstractmethod
    def first(self, noise: Tensor, level: float, *, data_variance: bool = False) -> Tensor:
        """Unit `noise` as the latent that a run from nothing begins with; `data_variance` adds that of a clean one."""

    @abstractmethod
    def network_input(self, x: Tensor, level: float) -> Tensor:
        """c_in x of EDM, section 5: what the network is given for `x`."""

    @abstractmethod
    def denoised(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        """D(x; level), from the network's output for `x`."""

    @abstractmethod
    def output(self, denoised: Tensor, x: Tensor, level: float) -> Tensor:
        """The network's output that `denoised` stands for; the inverse of `denoised`."""

    @abstractmethod
    def raising(self, low: float, high: float) -> AncestralStep:
        """How a latent at level `low` is brought up to `high` by fresh noise."""

    @abstractmethod
    def ancestral(self, level: float, following: float, eta: float) -> AncestralStep:
        """How a step from `level` to `following` is split into a longer one and fresh noise.

        `eta` scales the noise that the reverse of the noising process would add (Song et al. 2021, DDIM, equation 16).
        """

    @abstractmethod
    def log_snr_step(self, level: float, following: float) -> float:
        """lambda(following) - lambda(level), where lambda = log(alpha / sigma); infinite from pure noise."""


class VarianceExploding(Parameterisation):
    """x = x0 + sigma eps. c_in and the network's time are those of the variance-preserving form that was trained."""

    def alpha(self, level: float) -> float:
        return 1.0

    def noised(self, clean: Tensor, noise: Tensor, level: float) -> Tensor:
        return clean + noise * level

    def first(self, noise: Tensor, level: float, *, data_variance: bool = False) -> Tensor:
        return noise * ((1 + level**2) ** 0.5 if data_variance else level)

    def network_input(self, x: Tensor, level: float) -> Tensor:
        return x * (1 / (level**2 + 1) ** 0.5)

    def raising(self, low: float, high: float) -> AncestralStep:
        return AncestralStep(low, max(high**2 - low**2, 0.0) ** 0.5)

    def ancestral(self, level: float, following: float, eta: float) -> AncestralStep:
        return AncestralStep(*ancestral_step(level, following, eta))

    def log_snr_step(self, level: float, following: float) -> float:
        return math.log(level / following)

    @abstractmethod
    def noise_estimate(self, output: Tensor, x: Tensor, abar: float) -> Tensor:
        """eps, from the output for a latent `x` of the variance-preserving form, at alphas_cumprod `abar`."""

    @abstractmethod
    def output_of_noise(self, noise: Tensor, x: Tensor, abar: float) -> Tensor:
        """The inverse of `noise_estimate`."""


class Epsilon(VarianceExploding):
    """The network predicts the noise: c_skip = 1, c_out = -sigma."""

    name = "epsilon"

    def denoised(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        return x - output * level

    def output(self, denoised: Tensor, x: Tensor, level: float) -> Tensor:
        return (x - denoised) / level

    def noise_estimate(self, output: Tensor, x: Tensor, abar: float) -> Tensor:
        return output

    def output_of_noise(self, noise: Tensor, x: Tensor, abar: float) -> Tensor:
        return noise


class VPrediction(VarianceExploding):
    """v = alpha eps - sigma x0: c_skip = 1 / (sigma^2 + 1), c_out = -sigma / sqrt(sigma^2 + 1)."""

    name = "v_prediction"

    def denoised(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        variance = level**2 + 1
        return x / variance - output * (level / variance**0.5)

    def output(self, denoised: Tensor, x: Tensor, level: float) -> Tensor:
        variance = level**2 + 1
        return (x / variance - denoised) / (level / variance**0.5)

    def noise_estimate(self, output: Tensor, x: Tensor, abar: float) -> Tensor:
        return output * abar**0.5 + x * (1 - abar) ** 0.5

    def output_of_noise(self, noise: Tensor, x: Tensor, abar: float) -> Tensor:
        return (noise - x * (1 - abar) ** 0.5) / abar**0.5


class Flow(Parameterisation):
    """Rectified flow: x = (1 - t) x0 + t eps, and the network predicts eps - x0."""

    name = "flow"
    highest = 1.0
    is_discrete = False

    def alpha(self, level: float) -> float:
        return 1 - level

    def noised(self, clean: Tensor, noise: Tensor, level: float) -> Tensor:
        return clean * (1 - level) + noise * level

    def first(self, noise: Tensor, level: float, *, data_variance: bool = False) -> Tensor:
        # Variances of data and noise add up to 1 only at the ends, so there is nothing to choose.
        return noise * level

    def network_input(self, x: Tensor, level: float) -> Tensor:
        return x

    def denoised(self, output: Tensor, x: Tensor, level: float) -> Tensor:
        return x - output * level

    def output(self, denoised: Tensor, x: Tensor, level: float) -> Tensor:
        return (x - denoised) / level

    def raising(self, low: float, high: float) -> AncestralStep:
        """q(x_t | x_s) of Kingma et al. 2021, "Variational Diffusion Models", equation 1 with appendix A.1."""
        if high <= low:
            return AncestralStep(low, 0.0)
        scale = (1 - high) / (1 - low)
        return AncestralStep(low, max(high**2 - (scale * low) ** 2, 0.0) ** 0.5, scale)

    def ancestral(self, level: float, following: float, eta: float) -> AncestralStep:
        """The variance of q(x_s | x_t, x0) (Kingma et al. 2021, appendix A.2), times eta squared, is drawn again.

        What is left, of deviation `rest` beside (1 - s) x0, is reached without noise at the level whose ratio of noise
        to data is the same, and scaled.
        """
        if not eta or following == 0:
            return AncestralStep(following, 0.0)
        forward = level**2 - ((1 - level) / (1 - following) * following) ** 2
        up = min(following, eta * following / level * max(forward, 0.0) ** 0.5)
        rest = (following**2 - up**2) ** 0.5
        scale = 1 - following + rest
        return AncestralStep(rest / scale, up, scale)

    def log_snr_step(self, level: float, following: float) -> float:
        if level >= 1:
            return math.inf
        return math.log(level * (1 - following) / (following * (1 - level)))


def ancestral_step(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """The level to step down to, and the noise to add back, so that the sum has level `sigma_next`; x = x0 + sigma eps.

    `eta` scales the noise that the reverse of the forward process would add (Song et al. 2021, DDIM, equation 16).
    """
    if not eta:
        return sigma_next, 0.0
    up = min(sigma_next, eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5)
    return (sigma_next**2 - up**2) ** 0.5, up


EPSILON, V_PREDICTION, FLOW = Epsilon(), VPrediction(), Flow()

PARAMETERISATIONS: Mapping[Prediction, Parameterisation] = {each.name: each for each in (EPSILON, V_PREDICTION, FLOW)}
"""By the word that checkpoints are described with."""
