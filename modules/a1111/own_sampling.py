"""`sampler.sample` and `sampler.sample_img2img`: extensions sample within a run, latents and prompts of their own.

Everything else is that of the run: its model and networks, its settings, the callbacks, and that it may be interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modules.a1111.conditioning import conditioning_of, reconstruct_cond_batch, reconstruct_multicond_batch
from modules.a1111.current import current
from modules.a1111.noise import ImageRNG
from modules.generation.latents import Latents

if TYPE_CHECKING:
    from torch import Tensor

    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.generation.plan import Plan
    from modules.pipeline.start import Start
    from modules.sampling.conditioning import Cond, StepConds
    from modules.sampling.noise import ImageNoise
    from modules.sampling.plan import SigmaPlan

OUTSIDE = "A sampler can be called within a run alone, from a method of a Script; elsewhere use process_images(p)."


def sampled(
    sampler: Any,
    p: StableDiffusionProcessing,
    x: Tensor,
    positive: Any,
    negative: Any,
    *,
    noise: Tensor | None = None,
    steps: int | None = None,
    image_conditioning: Any = None,
) -> Tensor:
    """Latents [B, C, h, w] that the sampler makes of `x`: unit noise, or a picture's latents with `noise` beside them.

    `positive` and `negative` are what `prompt_parser` encodes. With `noise`, `p.denoising_strength` says where it
    begins, and `steps`, where given, are done; without, `steps` or `p.steps` are. Raises NotImplementedError outside
    of a run.
    """
    import torch

    from modules.pipeline.live_preview import Previewer
    from modules.pipeline.sample import sample

    event, seams, control = p.program_run(), current().seams, current().job.control
    if event is None or seams is None or control is None or event.plan is None:
        raise NotImplementedError(OUTSIDE)
    plan = _plan(sampler, p, event.plan)
    of_sampler = replace(event, plan=plan)
    with (
        torch.inference_mode(),
        seams.within(sampler, p, of_sampler),
        Previewer(plan, event.model, control) as previewer,
    ):
        made = sample(
            plan=plan,
            begin=_start(p, plan, event.model, x.float(), noise, steps, image_conditioning),
            conditioning=_Conditioning(conds_at(positive, negative, x.device)),
            model=event.model,
            control=control,
            hooks=current().app.hooks,
            event=of_sampler,
            previewer=previewer,
        )
    return x if made.latents is None else made.latents.samples


def levels_of(sampler: Any, p: StableDiffusionProcessing, steps: int) -> Tensor:
    """The levels that the sampler would go through in so many steps, [n + 1]. Raises as `sampled` does."""
    from modules.pipeline.start import model_schedule

    event = p.program_run()
    if event is None or event.plan is None:
        raise NotImplementedError(OUTSIDE)
    plan, model = _plan(sampler, p, event.plan), event.model
    return _sigmas(p, plan, int(steps), model_schedule(plan, model), model).sigmas.to(model.hardware.device)


def conds_at(positive: Any, negative: Any, device: object) -> Callable[[int], StepConds]:
    """What prompts of the original's form, encoded over the steps, are at an evaluation."""
    from modules.sampling.conditioning import StepConds

    parts = [schedule for picture in positive.batch for part in picture for schedule in part.schedules]
    ends = sorted({each.end_at_step for each in (*parts, *(each for prompt in negative for each in prompt))})
    known: dict[int, StepConds] = {}

    def at(call: int) -> StepConds:
        span = sum(call > end for end in ends)
        if span not in known:
            lists, rows = reconstruct_multicond_batch(positive, call)
            others = reconstruct_cond_batch(negative, call)
            known[span] = StepConds(
                positive=tuple(tuple((_row(rows, row, device), weight) for row, weight in each) for each in lists),
                negative=tuple(_row(others, row, device) for row in range(len(negative))),
            )
        return known[span]

    return at


def _row(rows: Any, index: int, device: object) -> Cond:
    from modules.sampling.conditioning import Cond

    tokens, vector, _ = conditioning_of(rows)
    return Cond(tokens=tokens[index].to(device), vector=None if vector is None else vector[index].to(device))


def _plan(sampler: Any, p: StableDiffusionProcessing, plan: Plan) -> Plan:
    """The run's plan with this sampler, and with what stands in `p` now."""
    from modules.sampling.samplers.registry import resolve_pair

    config = sampler.config
    name = plan.sampler.name if config is None else str(config.name)
    chosen, schedule = resolve_pair(name, p.scheduler or plan.schedule.label)
    strength = getattr(p, "denoising_strength", None)
    return replace(
        plan,
        sampler=chosen,
        schedule=schedule,
        cfg_scale=float(p.cfg_scale),
        steps=int(p.steps),
        denoising_strength=None if strength is None else float(strength),
    )


def _start(
    p: StableDiffusionProcessing,
    plan: Plan,
    model: Any,
    x: Tensor,
    noise: Tensor | None,
    steps: int | None,
    image_conditioning: Any,
) -> Start:
    from modules.pipeline.start import Start, model_schedule
    from modules.sampling.loop import start_from_image, start_from_noise
    from modules.sampling.plan import img2img_steps

    schedule = model_schedule(plan, model)
    if noise is None:
        sigmas = _sigmas(p, plan, int(steps or plan.steps), schedule, model)
        latents = start_from_noise(
            sampler=plan.sampler, plan=sigmas, noise=x, model_schedule=schedule, options=plan.options
        )
    else:
        length, t_enc = img2img_steps(
            steps=plan.steps,
            denoising_strength=plan.denoising_strength or 0.0,
            fix_steps=plan.settings.img2img_fix_steps,
            prescribed=None if steps is None else int(steps),
        )
        whole = _sigmas(p, plan, max(length, 1), schedule, model)
        sigmas, latents = start_from_image(
            sampler=plan.sampler, plan=whole, t_enc=t_enc, latent=x, noise=noise.float(), model_schedule=schedule
        )
    beside = image_conditioning if model.checkpoint.image_input != "none" else None
    if beside is not None and beside.shape[-2:] != x.shape[-2:]:
        raise NotImplementedError("This model takes a picture beside the latents, for which a stand-in was given.")
    return Start(
        latents=Latents(samples=latents),
        sigmas=sigmas,
        schedule=schedule,
        noise=_noise(p, x),
        unit_noise=x if noise is None else noise,
        image_cond=beside,
    )


def _sigmas(p: StableDiffusionProcessing, plan: Plan, steps: int, schedule: Any, model: Any) -> SigmaPlan:
    """The levels of the run: those of `p.sampler_noise_scheduler_override`, where there are some."""
    from modules.pipeline.start import schedule_sigmas
    from modules.sampling.plan import SigmaPlan

    override = p.sampler_noise_scheduler_override
    if override is not None:
        return SigmaPlan(sigmas=override(steps).detach().float().cpu(), schedule=plan.schedule.label, steps=steps)
    return schedule_sigmas(plan, steps, schedule, model)


def _noise(p: StableDiffusionProcessing, x: Tensor) -> ImageNoise:
    """The noise of the steps: that of `p.rng` where it is of these latents, else of the batch's seeds."""
    rng = p.rng
    if not isinstance(rng, ImageRNG) or rng.shape != tuple(x.shape[1:]) or len(rng.seeds) != len(x):
        seeds, subseeds = (list(each or p.all_seeds or [0]) for each in (p.seeds, p.subseeds))
        count = len(x)
        rng = ImageRNG(
            tuple(x.shape[1:]),
            (seeds * count)[:count],
            (subseeds * count)[:count],
            float(p.subseed_strength or 0),
        )
    return rng.of_steps()


@dataclass(frozen=True)
class _Conditioning:
    """Encoded prompts as the pipeline asks for them."""

    at: Callable[[int], StepConds]
    empty: Tensor | None = None
