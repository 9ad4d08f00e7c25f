"""img2img alternative test: the noise that a picture could have been made from is found, and denoised again."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.current import current
from modules.foundation.errors import RequestError
from modules.processing import Processed, process_images

OWNER = "img2img alternative test"
MOST_GUIDANCE = 100


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How the noise is looked for."""

    prompt: str
    negative_prompt: str
    cfg_scale: float
    steps: int
    randomness: float
    adjusted: bool


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "img2img alternative test"

    def show(self, is_img2img: bool) -> bool:
        """Only where there is a picture to begin with."""
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls."""
        info = gr.Markdown("* `CFG Scale` should be 2 or lower.")
        override_sampler = self._checkbox(
            "Override `Sampling method` to Euler?(this method is built for it)", "override_sampler", value=True
        )
        override_prompt = self._checkbox(
            "Override `prompt` to the same value as `original prompt`?(and `negative prompt`)",
            "override_prompt",
            value=True,
        )
        original_prompt = gr.Textbox(label="Original prompt", lines=1, elem_id=self.elem_id("original_prompt"))
        original_negative_prompt = gr.Textbox(
            label="Original negative prompt", lines=1, elem_id=self.elem_id("original_negative_prompt")
        )
        override_steps = self._checkbox(
            "Override `Sampling Steps` to the same value as `Decode steps`?", "override_steps", value=True
        )
        steps = gr.Slider(label="Decode steps", minimum=1, maximum=150, step=1, value=50, elem_id=self.elem_id("st"))
        override_strength = self._checkbox("Override `Denoising strength` to 1?", "override_strength", value=True)
        cfg = gr.Slider(
            label="Decode CFG scale", minimum=0.0, maximum=15.0, step=0.1, value=1.0, elem_id=self.elem_id("cfg")
        )
        randomness = gr.Slider(
            label="Randomness", minimum=0.0, maximum=1.0, step=0.01, value=0.0, elem_id=self.elem_id("randomness")
        )
        adjusted = self._checkbox("Sigma adjustment for finding noise for image", "sigma_adjustment")
        return [
            info,
            override_sampler,
            override_prompt,
            original_prompt,
            original_negative_prompt,
            override_steps,
            steps,
            override_strength,
            cfg,
            randomness,
            adjusted,
        ]

    def _checkbox(self, label: str, name: str, *, value: bool = False) -> Any:
        return gr.Checkbox(label=label, value=value, elem_id=self.elem_id(name))

    def run(
        self,
        p: Any,
        _: Any,
        override_sampler: bool,
        override_prompt: bool,
        original_prompt: str,
        original_negative_prompt: str,
        override_steps: bool,
        st: int,
        override_strength: bool,
        cfg: float,
        randomness: float,
        sigma_adjustment: bool,
    ) -> Processed:
        """Make the pictures of `p` from noise that is found instead of drawn."""
        if not 1 <= int(st) <= 1000:
            raise RequestError(f"Decode steps must lie between 1 and 1000; they are {st}.", "script_args")
        if not 0 <= randomness <= 1:
            raise RequestError(f"Randomness must lie between 0 and 1; it is {randomness}.", "script_args")
        if not abs(cfg) <= MOST_GUIDANCE:
            raise RequestError(
                f"The decode CFG scale must lie between -{MOST_GUIDANCE} and {MOST_GUIDANCE}; it is {cfg}.",
                "script_args",
            )
        if p.image_mask is not None:
            p.inpainting_fill = 1
        if override_sampler:
            p.sampler_name = "Euler"
        if override_prompt:
            p.prompt, p.negative_prompt = original_prompt, original_negative_prompt
        if override_steps:
            p.steps = int(st)
        if override_strength:
            p.denoising_strength = 1.0
        p.extra_generation_params |= {
            "Decode prompt": original_prompt,
            "Decode negative prompt": original_negative_prompt,
            "Decode CFG scale": cfg,
            "Decode steps": st,
            "Randomness": randomness,
            "Sigma Adjustment": sigma_adjustment,
        }
        decoding = Decoding(
            prompt=original_prompt,
            negative_prompt=original_negative_prompt,
            cfg_scale=float(cfg),
            steps=int(st),
            randomness=float(randomness),
            adjusted=bool(sigma_adjustment),
        )
        with found_noise(decoding):
            return process_images(p)


@contextlib.contextmanager
def found_noise(decoding: Decoding) -> Generator[None]:
    """Within it runs begin with the noise of their pictures."""
    hooks = current().app.hooks
    failed: list[RequestError] = []

    def replaced(latents: Any, event: Any) -> Any:
        try:
            return dataclasses.replace(latents, samples=started(latents.samples, event, decoding))
        except RequestError as error:  # a hook that raises is passed over, but this is what was asked for
            failed.append(error)
            return latents

    hooks.start_latents.attach(OWNER, replaced)
    try:
        yield
        if failed:
            raise failed[0]
    finally:
        hooks.detach_owner(OWNER)


def started(x: Any, event: Any, decoding: Decoding) -> Any:
    """What sampling begins with instead of `x`: the found noise in the place of the drawn one, at the same level."""
    from modules.generation.plan import BatchSlice
    from modules.pipeline.start import first_latents, image_noise, model_schedule
    from modules.sampling.denoiser import TimestepDenoiser
    from modules.sampling.plan import build_sigmas
    from modules.sampling.schedules import resolve

    plan, model = event.plan, event.model
    schedule = model_schedule(plan, model)
    if issubclass(plan.sampler.denoiser, TimestepDenoiser) or not schedule.parameterisation.is_discrete:
        raise RequestError(
            f"img2img alternative test does not work with {plan.sampler.name}; choose Euler.", "sampler_name"
        )
    first = event.pictures.start
    batch = BatchSlice(index=event.batch, first=first, count=x.shape[0])
    latent = first_latents(plan, batch, model)
    found = _found(latent, event, batch, decoding)
    if decoding.randomness:
        share = decoding.randomness
        mixed = (1 - share) * found + share * image_noise(plan, batch, model).initial()
        found = mixed / (share**2 + (1 - share) ** 2) ** 0.5
    highest = float(
        build_sigmas(
            sampler=plan.sampler, schedule=resolve("Uniform"), steps=plan.steps, model_schedule=schedule
        ).sigmas[0]
    )
    # x is the latent with drawn noise at the level that sampling begins with.
    level = (x - latent) / event.noise
    return latent + (found - latent / highest) * level.median()


def _found(latent: Any, event: Any, batch: Any, decoding: Decoding) -> Any:
    from modules.generation.latents import Latents
    from modules.pipeline.encode import encode
    from modules.pipeline.sample import with_unet
    from modules.pipeline.start import model_schedule
    from modules.sampling.inversion import noise_of
    from modules.sampling.loop import guided_model
    from modules.sampling.network import ConditionedNetwork
    from modules.sampling.plan import build_sigmas
    from modules.sampling.samplers.registry import resolve as sampler_of
    from modules.sampling.schedules import resolve
    from modules.text_encoders.prompt_conditioning import Timing

    app, control = current().app, current().control
    plan, model = event.plan, event.model
    count = len(plan.prompts)
    request = dataclasses.replace(
        plan, prompts=(decoding.prompt,) * count, negative_prompts=(decoding.negative_prompt,) * count
    )
    conditioning = encode(
        request,
        batch,
        model,
        app.engine,
        event,
        timing=Timing(steps=decoding.steps),
        size=(plan.height, plan.width),
        check=control.check_interrupt if control is not None else None,
    )
    schedule, euler = model_schedule(plan, model), sampler_of("Euler")
    sigmas = build_sigmas(
        sampler=euler, schedule=resolve("Uniform"), steps=decoding.steps, model_schedule=schedule
    ).sigmas
    network = ConditionedNetwork(predict=model.predict, schedule=schedule, conds=conditioning.at)
    guided = guided_model(
        network,
        sampler=euler,
        guidance_scale=decoding.cfg_scale,
        steps=decoding.steps,
        check=control.check if control is not None else None,
    )
    with contextlib.ExitStack() as unet:
        with_unet(unet, model, Latents(samples=latent), app.hooks, event)
        return noise_of(guided, latent, sigmas.to(latent.device), adjusted=decoding.adjusted)
