"""passes: what is done to one batch between words and finished latents.

A pass is encode, start, sample. There is one, and with hires fix a second one over the enlarged result of the first.
Within a pass the refiner may take over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from modules.foundation.errors import Interrupted
from modules.generation.conditioning import Conditioning
from modules.generation.latents import Samples, Sampling
from modules.generation.plan import BatchSlice, HiresPlan
from modules.hooks.events import RunEvent, StartEvent
from modules.hooks.point import Transform
from modules.pipeline.encode import encode, timing_of
from modules.pipeline.hires import enlarged, start_second
from modules.pipeline.live_preview import Previewer
from modules.pipeline.refiner import Refining
from modules.pipeline.sample import Sampled, sample
from modules.pipeline.seamless_tiling import seamless
from modules.pipeline.start import Start, start
from modules.pipeline.state import PassResult, PassState, RunState
from modules.text_encoders.prompt_conditioning import Timing


def sample_batch(state: RunState, batch: BatchSlice, stack: contextlib.ExitStack) -> PassResult | None:
    """The passes over a batch, as attachments want them sampled; None where there is nothing of it.

    What a pass has in force stays in `stack`.
    """
    event = replace(state.event, batch=batch.index)
    return _sampled(
        state,
        state.engine.hooks.sampling,
        event,
        lambda: _passes(state, batch, stack),
        lambda: _only(state, batch, stack),
    )


def _passes(state: RunState, batch: BatchSlice, stack: contextlib.ExitStack) -> PassResult | None:
    """The first pass, and a second one where there is one."""
    hires = state.plan.hires
    made = None
    try:
        made = None if hires and hires.first_picture else _first_pass(state, batch, stack)
    except Interrupted:  # while the prompt was read: there is nothing of this batch
        return None
    if hires is None or (made is not None and not made.sampled.complete):
        return made
    event, first = replace(state.event, batch=batch.index, plan=hires.second, stage="second pass"), made

    def again() -> PassResult | None:
        try:
            return _second_pass(state, batch, hires, first, stack)
        except Interrupted:  # while the first picture was upscaled, which is what there is then
            return first if first is None else replace(first, sampled=replace(first.sampled, complete=False))

    return _sampled(state, state.engine.hooks.second_sampling, event, again, lambda: _only(state, batch, stack))


def _sampled(
    state: RunState,
    point: Transform[Sampling, RunEvent],
    event: RunEvent,
    make: Callable[[], PassResult | None],
    only: Callable[[], PassState],
) -> PassResult | None:
    """`make()`, or what attachments put in its place; `only` is for those that sample without it."""
    if not point:
        return make()
    made: PassResult | None = None

    def sampling() -> Samples:
        nonlocal made
        made = make()
        return Samples() if made is None else made.samples

    samples = point(sampling, event)()
    if samples.latents is None and samples.pixels is None:
        return made
    if made is None:
        current = only()
        made = PassResult(
            sampled=Sampled(latents=None, complete=not state.control.stopping),
            conditioning=_encoded(state, current),
            model=current.model,
            event=current.event,
        )
    latents = samples.latents if samples.latents is not None else made.latents
    return replace(made, sampled=replace(made.sampled, latents=latents), pixels=samples.pixels)


def _only(state: RunState, batch: BatchSlice, stack: contextlib.ExitStack) -> PassState:
    """The first pass over a batch."""
    plan = state.plan
    return PassState(
        plan=plan,
        batch=batch,
        event=replace(state.event, batch=batch.index),
        timing=timing_of(plan),
        size=(plan.height, plan.width),
        stack=stack,
    )


def _first_pass(state: RunState, batch: BatchSlice, stack: contextlib.ExitStack) -> PassResult:
    """Sample a batch from noise or from its pictures."""
    only, plan = _only(state, batch, stack), state.plan

    def begin() -> Start:
        begun = start(plan, batch, only.model, only.changed_extra_noise(state.engine.hooks))
        state.control.begin_batch(batch.index, begun.sigmas.steps + (plan.hires.second.steps if plan.hires else 0))
        return begun

    return _run(state, only, _encoded(state, only), begin)


def _second_pass(
    state: RunState, batch: BatchSlice, hires: HiresPlan, first: PassResult | None, stack: contextlib.ExitStack
) -> PassResult:
    """Enlarge what the first pass made, or the picture that takes its place, and sample it again."""
    hires_event = replace(state.event, batch=batch.index, plan=hires.second, stage="second pass")
    second = state.engine.hooks.second_pass(hires.second, hires_event)
    if second is not hires.second:
        hires = replace(hires, second=second)
        state.use_plan(replace(state.plan, hires=hires))
    plan = state.plan
    if first is None:
        state.control.begin_batch(batch.index, second.steps)
    with state.timings.phase("enlarge"):
        state.control.at_phase("upscaling")
        larger = enlarged(state, batch, hires, first)
        first_sampled = first.sampled if first is not None else None
        stack.close()
    model = state.load(second.checkpoint, second.vae)
    event = replace(state.event, batch=batch.index, plan=second, model=model, stage="second pass")
    again = PassState(
        plan=second,
        batch=batch,
        event=event,
        timing=Timing(
            steps=plan.sampler.model_calls(plan.steps),
            hires_steps=second.sampler.model_calls(second.steps),
            old_scheduling=plan.settings.use_old_scheduling,
        ),
        size=(hires.target[1], hires.target[0]),
        stack=stack,
        steps_before=0 if first is None else state.control.snapshot().steps - second.steps,
    )
    stack.enter_context(seamless(model, wanted=plan.tiling))
    early = _encoded(state, again) if plan.settings.hires_fix_use_firstpass_conds else None
    stack.enter_context(state.engine.hooks.around_pass(event))
    made = _run(state, again, early or _encoded(state, again), lambda: start_second(state, again, larger))
    noted = _noted_twice({} if first_sampled is None else first_sampled.infotext, made.sampled.infotext)
    return replace(made, sampled=replace(made.sampled, infotext=noted))


def _encoded(state: RunState, current: PassState) -> Conditioning:
    with state.timings.phase("encode"):
        state.control.at_phase("encoding")
        made = encode(
            current.plan,
            current.batch,
            current.model,
            state.engine,
            current.event,
            timing=current.timing,
            size=current.size,
            check=state.control.check_interrupt,
        )
        return state.engine.hooks.conditioning(made, current.event)


def _run(state: RunState, current: PassState, conditioning: Conditioning, begin: Callable[[], Start]) -> PassResult:
    """start and sample."""
    hooks, control, model = state.engine.hooks, state.control, current.model
    with state.timings.phase("start"):
        begun = begin()
        start_event = StartEvent.of(current.event, conditioning=conditioning, noise=begun.unit_noise)
        begun = replace(begun, latents=hooks.start_latents(begun.latents, start_event))
    control.at_phase("sampling")
    with state.timings.phase("sample"), Previewer(current.plan, model, control) as previewer:
        refining = Refining(state, current, current.plan.refiner, begun) if current.plan.refiner else None
        sampled = sample(
            plan=current.plan,
            begin=begun,
            conditioning=conditioning,
            model=model,
            control=control,
            hooks=hooks,
            event=current.event,
            previewer=previewer,
            steps_before=current.steps_before,
            refining=refining,
        )
    if sampled.latents is not None:
        sampled = replace(sampled, latents=hooks.sampled_latents(sampled.latents, current.event))
    last = model if refining is None or refining.model is None else refining.model
    return PassResult(sampled=sampled, conditioning=conditioning, model=last, event=current.event, blend=begun.blend)


def _noted_twice(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, object]:
    """What both passes add to the parameters. A schedule is written for the second one where it is another."""
    noted = {**first, **{key: value for key, value in second.items() if key != "Schedule type"}}
    schedule = second.get("Schedule type")
    if schedule is not None and schedule != first.get("Schedule type"):
        noted["Hires schedule type"] = schedule
    return noted
