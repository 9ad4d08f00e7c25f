"""What a person can set about sampling. Field names and defaults are the settings' own keys and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

UniPCVariant = Literal["bh1", "bh2", "vary_coeff"]
UniPCSkipType = Literal["time_uniform", "time_quadratic", "logSNR"]


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """Everything besides sampler, schedule, steps and guidance scale that changes how a latent is sampled.

    Zero means "not set" for `s_tmax` (no upper limit), `sigma_min`, `sigma_max` and `rho` (the schedule's own).
    """

    eta: float | None = None  # what the request asks for; None leaves it to eta_ddim or eta_ancestral
    eta_ddim: float = 0.0
    eta_ancestral: float = 1.0
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = 0.0
    s_noise: float = 1.0
    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    use_old_karras_scheduler_sigmas: bool = False
    always_discard_next_to_last_sigma: bool = False
    sgm_noise_multiplier: bool = False
    beta_dist_alpha: float = 0.6
    beta_dist_beta: float = 0.6
    uni_pc_variant: UniPCVariant = "bh1"
    uni_pc_skip_type: UniPCSkipType = "time_uniform"
    uni_pc_order: int = 3
    uni_pc_lower_order_final: bool = True
    no_dpmpp_sde_batch_determinism: bool = False  # one Brownian tree for the whole batch, as very old versions drew it
    skip_early_cond: float = 0.0
    s_min_uncond: float = 0.0
    s_min_uncond_all: bool = False
    pad_cond_uncond: bool = False
    pad_cond_uncond_v0: bool = False
    batch_cond_uncond: bool = True
    cfg_rescale: float = 0.0

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], **overrides: Any) -> SamplingOptions:
        """The options that a mapping of settings holds; keys that are not about sampling are passed over."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in settings.items() if key in known and value is not None}
        return cls(**{**values, **overrides})

    def with_request(
        self,
        *,
        eta: float | None = None,
        s_churn: float | None = None,
        s_tmin: float | None = None,
        s_tmax: float | None = None,
        s_noise: float | None = None,
        s_min_uncond: float | None = None,
    ) -> SamplingOptions:
        """These options of the settings with what a request asks for.

        A request's eta and level for the negative prompt always count. Its churn values count where the setting is at
        its default; a setting that was changed outranks them.
        """
        overrides = {"s_churn": s_churn, "s_tmin": s_tmin, "s_tmax": s_tmax, "s_noise": s_noise}
        taken = {
            name: value
            for name, value in overrides.items()
            if value is not None and getattr(self, name) == getattr(SamplingOptions, name)
        }
        return replace(
            self,
            eta=self.eta if eta is None else eta,
            s_min_uncond=self.s_min_uncond if s_min_uncond is None else s_min_uncond,
            **taken,
        )
