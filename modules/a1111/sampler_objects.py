"""Samplers as objects that extensions look into and change: `KDiffusionSampler`, `CFGDenoiser`, what they hold.

The program samples by itself. These objects stand for the run at hand: what is replaced in them, on the class or on the
object, is called at the same moments and with the same values (`seams.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modules.a1111.conditioning import rows_of_network
from modules.a1111.own_sampling import levels_of, sampled
from modules.a1111.types import ExtensionFunction
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.a1111.sd_model import ModelView
    from modules.sampling.denoiser import Denoiser
    from modules.sampling.guidance_hooks import Estimate
    from modules.sampling.samplers.registry import Sampler as ProgramSampler

NOT_HERE = "Easel samples by itself; use process_images(p), a hook of a Script, or the callbacks."


class InnerModel:
    """The network as samplers over noise levels call it: `model(x, sigma, cond={...})` gives denoised latents.

    `forward` may be replaced on the object; the sampler then calls what was put there, with rows [rows, C, h, w], their
    levels [rows] and their conditioning.
    """

    def __init__(self, sd_model: ModelView) -> None:
        self.inner_model = sd_model
        self.program: Estimate | None = None
        """What the run at hand asks the network with; None outside of one."""

    @property
    def _schedule(self) -> Any:
        return self.inner_model.loaded.schedule

    @property
    def _reading(self) -> Denoiser:
        from modules.sampling.denoiser import SigmaDenoiser

        return SigmaDenoiser(self._schedule)

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

    def get_sigmas(self, n: int | None = None) -> Tensor:
        """`n` falling levels, evenly over the time steps, and zero at the end; without `n` all of them."""
        import torch

        levels = self.sigmas.flip(0)
        if n is not None:
            levels = self.t_to_sigma(torch.linspace(len(levels) - 1, 0, n, device=levels.device))
        return torch.cat([levels, levels.new_zeros(1)])

    def get_scalings(self, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """c_out and c_in of models that predict noise. Karras et al. 2022, table 1."""
        return -sigma, 1 / (sigma**2 + 1) ** 0.5

    def sigma_to_t(self, sigma: Tensor, quantize: bool | None = None) -> Tensor:
        """The time steps of noise levels."""
        return self._schedule.sigma_to_t(sigma, quantize=quantize)

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """The noise levels of time steps."""
        return self._schedule.t_to_sigma(t)

    def __call__(self, x: Tensor, sigma: Tensor, cond: object = None, **_: object) -> Tensor:
        """One call of the network; `cond` holds "c_crossattn", "c_concat" and "vector" as the original has them."""
        return self.forward(x, sigma, cond=cond)

    def forward(self, x: Tensor, sigma: Tensor, cond: object = None, **_: object) -> Tensor:
        """What the sampler works with, by the program's own call of the network."""
        if self.program is not None and "apply_model" not in vars(self.inner_model):
            return self.program(x, sigma, rows_of_network(cond))
        return self._by_apply_model(x, sigma, cond)

    def _by_apply_model(self, x: Tensor, sigma: Tensor, cond: object) -> Tensor:
        import torch

        reading, levels = self._reading, sigma.flatten().tolist()
        inputs = [reading.network_input(x[row : row + 1], level) for row, level in enumerate(levels)]
        t = torch.tensor([time for _, time in inputs], device=x.device)
        output = self.inner_model.apply_model(torch.cat([row for row, _ in inputs]), t, cond=cond).to(x.dtype)
        rows = [reading.estimate(output[row : row + 1], x[row : row + 1], level) for row, level in enumerate(levels)]
        return torch.cat(rows)


class TimestepInnerModel(InnerModel):
    """The same for samplers over time steps: `model(x, t, cond={...})` gives the noise in the latents."""

    @property
    def _reading(self) -> Denoiser:
        from modules.sampling.denoiser import TimestepDenoiser

        return TimestepDenoiser(self._schedule)


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
            self.model_wrap = self.sampler.network(self.sampler.sd_model)
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

    network: type[InnerModel] = InnerModel
    """How it reads the network."""

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

    def get_sigmas(self, p: StableDiffusionProcessing, steps: int) -> Tensor:
        """The levels of a run of so many steps, highest first, and zero; within a run."""
        return levels_of(self, p, steps)

    def sample(
        self,
        p: StableDiffusionProcessing,
        x: Tensor,
        conditioning: object,
        unconditional_conditioning: object,
        steps: int | None = None,
        image_conditioning: object = None,
    ) -> Tensor:
        """Sample from unit noise [B, C, h, w] within a run; prompts are as `prompt_parser` encodes them."""
        return sampled(
            self, p, x, conditioning, unconditional_conditioning, steps=steps, image_conditioning=image_conditioning
        )

    def sample_img2img(
        self,
        p: StableDiffusionProcessing,
        x: Tensor,
        noise: Tensor,
        conditioning: object,
        unconditional_conditioning: object,
        steps: int | None = None,
        image_conditioning: object = None,
    ) -> Tensor:
        """Sample from latents [B, C, h, w] with noise added, as much as `p.denoising_strength` says."""
        return sampled(
            self,
            p,
            x,
            conditioning,
            unconditional_conditioning,
            noise=noise,
            steps=steps,
            image_conditioning=image_conditioning,
        )


class KDiffusionSampler(Sampler):
    """A sampler over levels of noise. `funcname` is a name, or a function of k-diffusion's kind."""


class CompVisSampler(Sampler):
    """A sampler over time steps."""

    network = TimestepInnerModel


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
