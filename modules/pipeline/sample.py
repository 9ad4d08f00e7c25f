"""sample: from the starting latents to finished ones."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from modules.foundation.errors import Interrupted
from modules.generation.latents import Latents, StepReport
from modules.generation.plan import Plan
from modules.generation.progress import RunControl
from modules.hardware.attention import attention, chosen_attention, kernel_called
from modules.hooks.events import RunEvent, StepEvent
from modules.hooks.points import Hooks
from modules.pipeline.guidance_hooks import attached_attention, guidance_hooks
from modules.pipeline.hypertile import Tiles, tiled_unet
from modules.pipeline.model import LoadedModel
from modules.pipeline.start import Start
from modules.pipeline.token_merging import merged_tokens
from modules.sampling.conditioning import StepConds, WithVectors
from modules.sampling.loop import guided_model, uses_eta_noise_seed_delta
from modules.sampling.loop import sample as run_sampler
from modules.sampling.network import ConditionedNetwork
from modules.sampling.step import SamplerStep

if TYPE_CHECKING:
    from modules.pipeline.live_preview import Previewer
    from modules.pipeline.refiner import Refining


class Conditions(Protocol):
    """What sampling asks of encoded prompts: what holds at an evaluation, and the empty prompt [n, width]."""

    @property
    def empty(self) -> Tensor | None: ...

    def at(self, call: int, /) -> StepConds: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled:
    """Finished latents, and what sampling adds to the parameters text.

    Interrupted sampling gives the model's last estimate, or None when there was none; `complete` tells which it is.
    """

    latents: Latents | None
    complete: bool
    infotext: dict[str, object] = field(default_factory=dict[str, object])


def with_unet(stack: contextlib.ExitStack, model: LoadedModel, latents: Latents, hooks: Hooks, event: RunEvent) -> None:
    """Have the UNet on the device, as the plan of `event` wants it for such latents, until `stack` is closed."""
    plan = event.plan
    assert plan is not None
    height, width = latents.samples.shape[-2:]
    stack.enter_context(model.on_device(model.checkpoint.unet))
    stack.enter_context(merged_tokens(model, ratio=plan.token_merging_ratio, height=height, width=width))
    cell = model.checkpoint.latents.pixels
    tiles = Tiles.of_unet(
        plan.settings, plan.seeds[0], (width * cell, height * cell), cell, second_pass=event.stage == "second pass"
    )
    stack.enter_context(tiled_unet(model, tiles, height=height, width=width))
    kernel = kernel_called(plan.settings.cross_attention_optimization)
    if kernel is None:
        event.warn(
            f"There is no way to compute attention called {plan.settings.cross_attention_optimization!r}; "
            "the fastest one here was used."
        )
    unet = model.checkpoint.unet
    stack.enter_context(chosen_attention(unet, kernel or attention, upcast=plan.settings.upcast_attn))
    change = functools.partial(hooks.attention, event=event) if hooks.attention else None
    stack.enter_context(attached_attention(model.checkpoint.unet, change))


def image_guidance_scale(plan: Plan, model: LoadedModel) -> float | None:
    """How strongly the picture beside the latent guides; None for models that are not edited by instruction."""
    return plan.image_cfg_scale if model.checkpoint.image_input == "edit" else None


def sample(
    *,
    plan: Plan,
    begin: Start,
    conditioning: Conditions,
    model: LoadedModel,
    control: RunControl,
    hooks: Hooks,
    event: RunEvent,
    previewer: Previewer,
    steps_before: int = 0,
    refining: Refining | None = None,
) -> Sampled:
    """Run the plan's sampler on one batch, which `event` tells attachments of; interrupts take effect within a step.

    `steps_before` steps of the batch were done in a pass before this one; `refining` may take over within it.
    """
    last: Tensor | None = None

    def on_step(step: SamplerStep) -> None:
        nonlocal last
        last = step.denoised
        control.at_step(steps_before + min(step.index + 1, step.total))
        report = StepReport(index=step.index, total=step.total, sigma=step.sigma, x=step.x, denoised=step.denoised)
        previewer.at_step(report)
        hooks.step(StepEvent(run=event, step=report))
        control.check()

    unet = contextlib.ExitStack()
    attached = guidance_hooks(hooks, event, blend=begin.blend, scale=plan.cfg_scale)
    network = ConditionedNetwork(
        predict=model.predict,
        schedule=begin.schedule,
        conds=conditioning.at if begin.picture_vectors is None else WithVectors(conditioning.at, begin.picture_vectors),
        image_cond=begin.image_cond,
        image_guidance_scale=image_guidance_scale(plan, model),
        empty_prompt=conditioning.empty,
    )
    guided = guided_model(
        network,
        sampler=plan.sampler,
        guidance_scale=plan.cfg_scale,
        steps=begin.sigmas.steps,
        options=plan.options,
        hooks=attached,
        check=control.check,
        refiner_switch=None if refining is None else functools.partial(refining.turn, unet),
    )
    try:
        with unet:
            with_unet(unet, model, begin.latents, hooks, event)
            samples = run_sampler(
                sampler=plan.sampler,
                plan=begin.sigmas,
                model=guided,
                x=begin.latents.samples,
                noise=begin.noise,
                model_schedule=begin.schedule,
                options=plan.options,
                callback=on_step,
            )
    except Interrupted:
        return Sampled(latents=None if last is None else Latents(samples=last), complete=False)
    if attached.blend is not None:
        samples = attached.blend.finished(samples)
    if refining is not None:
        guided.noted |= refining.noted
    noted = {**begin.sigmas.infotext, **plan.sampler_fields, **guided.noted}
    if plan.settings.eta_noise_seed_delta and uses_eta_noise_seed_delta(plan.sampler, plan.options):
        noted["ENSD"] = plan.settings.eta_noise_seed_delta
    return Sampled(latents=Latents(samples=samples), complete=True, infotext=noted)
