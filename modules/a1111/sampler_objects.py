"""Samplers as objects that extensions look into and change: `KDiffusionSampler`, `CFGDenoiser`, what they hold.

The program samples by itself. These objects stand for the run at hand: what is replaced in them, on the class or on the
object, is called at the same moments and with the same values (`seams.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.types import ExtensionFunction
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.a1111.sd_model import ModelView
    from modules.sampling.samplers.registry import Sampler as ProgramSampler

NOT_HERE = "Easel samples by itself; use process_images(p), a hook of a Script, or the callbacks."


class InnerModel:
    """The network as k-diffusion wraps it: `model(x, sigma, cond={...})` gives the denoised latents [B, C, h, w]."""

    def __init__(self, sd_model: ModelView) -> None:
        self.inner_model = sd_model

    @property
    def _schedule(self) -> Any:
        return self.inner_model.loaded.schedule

    @property
    def sigmas(self) -> Tensor:
        """The levels of noise that it was trained on, rising [n]."""
        return self._schedule.sigmas

    @property
    def log_sigmas(self) -> Tensor:
        """Natural logarithms of `sigmas`."""
        return self._schedule.sigmas.log()

    @property
    def sigma_min(self) -> Tensor:
        """The lowest of them."""
        return self._schedule.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        """The highest of them."""
        return self._schedule.sigmas[-1]

    def sigma_to_t(self, sigma: Tensor, quantize: bool | None = None) -> Tensor:
        """The time steps of noise levels."""
        return self._schedule.sigma_to_t(sigma, quantize=quantize)

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """The noise levels of time steps."""
        return self._schedule.t_to_sigma(t)

    def __call__(self, x: Tensor, sigma: Tensor, cond: object = None, **_: object) -> Tensor:
        """One call of the network; `cond` holds "c_crossattn", "c_concat" and "vector" as the original has them."""
        import torch

        from modules.sampling.conditioning import CondBatch

        tokens, vector, beside = conditioning_of(cond)
        rows: list[Tensor] = []
        parameterisation = self._schedule.parameterisation
        for row, level in enumerate(sigma.flatten().tolist()):
            part = slice(row, row + 1)
            scaled = parameterisation.network_input(x[part], level)
            t = torch.full((1,), self._schedule.time_of(level), device=x.device)
            batch = CondBatch(
                tokens=tokens[part],
                vector=None if vector is None else vector[part],
                image_cond=None if beside is None or not beside.shape[1] else beside[part],
                images=(0,),
            )
            output = self.inner_model.loaded.predict(scaled, t, batch)
            rows.append(parameterisation.denoised(output.to(x.dtype), x[part], level))
        return torch.cat(rows)


def conditioning_of(cond: object) -> tuple[Any, Any, Any]:
    """Tokens, vector and picture of a conditioning in any of the original's forms."""
    if not isinstance(cond, dict):
        return cond, None, None
    tokens = cond.get("c_crossattn", cond.get("crossattn"))
    beside = cond.get("c_concat")
    tokens = tokens[0] if isinstance(tokens, list) else tokens
    beside = beside[0] if isinstance(beside, list) and beside else beside
    return tokens, cond.get("vector"), beside if beside is not None and hasattr(beside, "shape") else None


class CFGDenoiser:
    """Guidance. `combine_denoised` may be replaced, on the class or on the object."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler
        self.mask = self.nmask = self.init_latent = self.model_wrap = None
        self.steps: int = 0
        self.total_steps: int = 0
        self.step: int = 0
        self.image_cfg_scale: float | None = None
        self.padded_cond_uncond = False
        self.p: StableDiffusionProcessing | None = None
        self.cond_scale_miltiplier = 1.0
        self.need_last_noise_uncond = False
        self.mask_before_denoising = False
        self.classic_ddim_eps_estimation = False

    @property
    def inner_model(self) -> InnerModel:
        """The network, to be called once more by those who want to."""
        if self.model_wrap is None:
            self.model_wrap = InnerModel(self.sampler.sd_model)
        return self.model_wrap

    def combine_denoised(self, x_out: Tensor, conds_list: Any, uncond: Tensor, cond_scale: float) -> Tensor:
        """uncond + sum_i w_i scale (cond_i - uncond), image by image.

        `x_out` holds the rows of all prompts, then one row for each negative prompt; `conds_list` for each image the
        rows of its prompts with their weights.
        """
        negative = x_out[-uncond.shape[0] :]
        guided = negative.clone()
        for image, conds in enumerate(conds_list):
            for row, weight in conds:
                guided[image] = guided[image] + (x_out[row] - negative[image]) * (weight * cond_scale)
        return guided

    def update_inner_model(self) -> None:
        """Forget the network: another has taken over."""
        self.model_wrap = None

    def forward(self, *arguments: object, **named: object) -> Tensor:
        """Guidance itself is not called through here."""
        raise NotImplementedError(NOT_HERE)


class Sampler:
    """What samplers of all kinds share."""

    def __init__(self, funcname: object, sd_model: object = None, options: JsonObject | None = None) -> None:
        self.funcname, self.func = funcname, funcname
        self.sd_model, self.options = sd_model, options or {}
        self.p: StableDiffusionProcessing | None = None
        self.model_wrap_cfg = CFGDenoiser(self)
        self.extra_params: list[str] = []
        self.sampler_extra_args: JsonObject = {}
        self.config: Any = None
        self.last_latent: Tensor | None = None
        self.stop_at: int | None = None
        self.eta = self.s_min_uncond = None
        self.s_churn, self.s_tmin, self.s_tmax, self.s_noise = 0.0, 0.0, float("inf"), 1.0
        self.conditioning_key = "crossattn"

    @property
    def model_wrap(self) -> InnerModel:
        """The network as k-diffusion wraps it."""
        return self.model_wrap_cfg.inner_model

    def callback_state(self, d: JsonObject) -> None:
        """Called once a step with "i", "x", "denoised", "sigma", "sigma_hat": live tensors of the sampler."""

    def launch_sampling(self, steps: int, func: Callable[[], Tensor]) -> Tensor:
        """Call what samples."""
        return func()

    def number_of_needed_noises(self, p: StableDiffusionProcessing) -> int:
        """How many noises a run may draw."""
        return int(p.steps)

    def initialize(self, p: StableDiffusionProcessing) -> JsonObject:
        """Take over what `p` says of sampling."""
        self.p = self.model_wrap_cfg.p = p
        return {}

    def sample(self, *arguments: object, **named: object) -> Tensor:
        """Sampling is not started through here."""
        raise NotImplementedError(NOT_HERE)

    sample_img2img = sample


class KDiffusionSampler(Sampler):
    """A sampler over levels of noise. `funcname` is a name, or a function of k-diffusion's kind."""


class CompVisSampler(Sampler):
    """A sampler over time steps."""


STEP, COMBINE = Sampler.callback_state, CFGDenoiser.combine_denoised
"""The methods as they were when nothing replaced them."""


def sampler_object(name: str, sd_model: ModelView) -> Sampler:
    """The object that stands for a sampler of the program."""
    from modules.sampling.denoiser import TimestepDenoiser
    from modules.sampling.samplers.registry import find

    found = find(name)
    kind = CompVisSampler if found is not None and issubclass(found.denoiser, TimestepDenoiser) else KDiffusionSampler
    aliases = found.aliases if found is not None else ()
    return kind(aliases[0] if aliases else name, sd_model)


def program_sampler(data: Any) -> ProgramSampler:
    """A sampler of the program that runs the function of an extension's."""
    from modules.sampling.samplers.registry import Sampler as Added

    def function(
        model: ExtensionFunction, x: Tensor, sigmas: Sequence[float], *, noise: Tensor, callback: ExtensionFunction
    ) -> Tensor:
        from modules.a1111.current import current

        made = data.constructor(current().shared.sd_model)
        run = getattr(made, "func", None)
        if not callable(run):
            raise NotImplementedError(f"{data.name} has no function of k-diffusion's kind, and so it cannot sample.")
        return _run(run, model, x, sigmas, callback)

    options = dict(data.options or {})
    schedule = str(options.get("scheduler", "Uniform"))
    return Added(
        name=data.name,
        aliases=tuple(alias for alias in data.aliases if alias.casefold() != data.name.casefold()),
        function=function,
        default_schedule=schedule.capitalize() if schedule.islower() else schedule,
        second_order=bool(options.get("second_order")),
        discard_next_to_last_sigma=bool(options.get("discard_next_to_last_sigma")),
        uses_ensd=bool(options.get("uses_ensd")),
    )


def _run(
    function: ExtensionFunction,
    model: ExtensionFunction,
    x: Tensor,
    sigmas: Sequence[float],
    callback: ExtensionFunction,
) -> Tensor:
    """Call a function of k-diffusion's kind: levels as a tensor, one a row, and a dict for each step."""
    import torch

    from modules.sampling.step import SamplerStep

    levels = torch.tensor(sigmas, device=x.device, dtype=torch.float32)

    def denoise(latents: Tensor, sigma: Tensor, **_: object) -> Tensor:
        return model(latents, float(sigma.flatten()[0]))

    def on_step(d: dict[str, Any]) -> None:
        index = int(d["i"])
        sigma = float(d["sigma"]) if "sigma" in d else sigmas[min(index, len(sigmas) - 1)]
        callback(SamplerStep(index=index, total=len(sigmas) - 1, sigma=sigma, x=d["x"], denoised=d["denoised"]))

    return function(denoise, x, levels, extra_args={}, callback=on_step, disable=True)
