"""passes: what is done to one batch between words and finished latents.

A pass is encode, start, sample. There is one, and with hires fix a second one over the enlarged result of the first.
Within a pass the refiner may take over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from PIL.Image import Image

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeInfo
from modules.foundation.timing import Stopwatch
from modules.generation.conditioning import Conditioning
from modules.generation.latents import Latents, StepReport
from modules.generation.plan import BatchSlice, HiresPlan, Plan
from modules.generation.progress import RunControl
from modules.hooks.points import Hooks, RunEvent, StepEvent
from modules.imaging.resize import Upscale
from modules.pipeline.encode import encode, timing_of
from modules.pipeline.engine import Engine
from modules.pipeline.finish import fields_of, finish
from modules.pipeline.hires import enlarged, start_second
from modules.pipeline.model import LoadedModel
from modules.pipeline.refine import Refining
from modules.pipeline.sample import Sampled, sample
from modules.pipeline.save import Saving
from modules.pipeline.start import ChangeExtraNoise, Start, start
from modules.pipeline.tiling import seamless
from modules.pipeline.watch import Previewer
from modules.sampling.inpainting import Blend
from modules.text_encoders.scheduled import Timing


@dataclass(kw_only=True, eq=False)
class Run:
    """What one run has decided, and what it gathers on its way."""

    engine: Engine
    control: RunControl
    watch: Stopwatch
    event: RunEvent
    plan: Plan
    model: LoadedModel
    saving: Saving
    init_hashes: tuple[str, ...] = ()
    upscale: Upscale | None = None
    extra: dict[str, object] = field(default_factory=dict[str, object])
    incomplete: bool = False

    def fields(self, index: int, made: PassResult) -> dict[str, object]:
        """The parameters of picture `index`."""
        plan = self.plan
        return fields_of(
            plan,
            index,
            model_hash=self.engine.short_hash(plan.checkpoint),
            vae_hash=self.engine.short_hash(plan.vae),
            title=self.short_title,
            image_input=self.model.checkpoint.image_input,
            sampled=made.sampled.infotext,
            init_image_hash=self.init_hashes[index % len(self.init_hashes)] if self.init_hashes else None,
            used_embeddings=made.conditioning.used_embeddings,
            has_brackets=made.conditioning.has_brackets or plan.settings.prompt_dialect != "A1111",
        )

    def load(self, checkpoint: CheckpointInfo, vae: VaeInfo | None) -> LoadedModel:
        """The model of a further stage; the run's own where it is the same."""
        if checkpoint.path == self.plan.checkpoint.path:
            return self.model
        with self.watch.phase("load"):
            self.control.at_phase("loading")
            return self.engine.load(checkpoint, self.control.at_load, vae=vae, beside=True)

    def short_title(self, checkpoint: CheckpointInfo) -> str:
        """A checkpoint's name and hash, as parameters name a second one."""
        digest = self.engine.short_hash(checkpoint)
        return f"{checkpoint.model_name} [{digest}]" if digest else checkpoint.model_name

    def save_intermediate(self, picture: Image, index: int, made: PassResult, *, suffix: str) -> None:
        """Save a picture that is not among the results."""
        event = replace(self.event, batch=index // self.plan.batch_size)
        fields = self.engine.hooks.infotext_fields(self.fields(index, made), event)
        text = finish(picture, self.plan, index, fields).infotext
        self.saving.additional(picture, index, suffix, infotext=text)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pass:
    """One pass over a batch: its plan, how its prompts are timed, the size its model is told, the steps before it.

    `size` is (height, width) in pixels. `event` holds the pass's own plan and model. `stack` keeps what is in force
    until the pass's latents have been decoded.
    """

    plan: Plan
    batch: BatchSlice
    event: RunEvent
    timing: Timing
    size: tuple[int, int]
    stack: contextlib.ExitStack
    steps_before: int = 0

    @property
    def model(self) -> LoadedModel:
        """The model that the pass begins with."""
        model = self.event.model
        assert isinstance(model, LoadedModel)
        return model

    def changed_extra_noise(self, hooks: Hooks) -> ChangeExtraNoise:
        """What attachments make of the extra noise of pictures."""
        return lambda extra: hooks.extra_noise(extra, self.event)


@dataclass(frozen=True, kw_only=True, eq=False)
class PassResult:
    """What the passes over a batch made: latents, the model whose VAE decodes them, and what belongs into the text.

    `blend` is what kept the unmasked part of inpainted pictures.
    """

    sampled: Sampled
    conditioning: Conditioning
    model: LoadedModel
    event: RunEvent
    blend: Blend | None = None

    @property
    def latents(self) -> Latents | None:
        """The finished latents; None where nothing can be shown."""
        return self.sampled.latents


def first_pass(this: Run, batch: BatchSlice, stack: contextlib.ExitStack) -> PassResult:
    """Sample a batch from noise or from its pictures."""
    plan, event = this.plan, replace(this.event, batch=batch.index)
    only = Pass(
        plan=plan, batch=batch, event=event, timing=timing_of(plan), size=(plan.height, plan.width), stack=stack
    )

    def begin() -> Start:
        begun = start(plan, batch, only.model, only.changed_extra_noise(this.engine.hooks))
        this.control.begin_batch(batch.index, begun.sigmas.steps + (plan.hires.second.steps if plan.hires else 0))
        return begun

    return _run(this, only, _encoded(this, only), begin)


def second_pass(
    this: Run, batch: BatchSlice, hires: HiresPlan, first: PassResult | None, stack: contextlib.ExitStack
) -> PassResult:
    """Enlarge what the first pass made, or the picture that takes its place, and sample it again."""
    plan, second = this.plan, hires.second
    if first is None:
        this.control.begin_batch(batch.index, second.steps)
    with this.watch.phase("enlarge"):
        this.control.at_phase("upscaling")
        larger = enlarged(this, batch, hires, first)
        first_sampled = first.sampled if first is not None else None
        stack.close()
    model = this.load(second.checkpoint, second.vae)
    event = replace(this.event, batch=batch.index, plan=second, model=model, stage="second pass")
    again = Pass(
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
        steps_before=0 if first is None else this.control.snapshot().steps - second.steps,
    )
    stack.enter_context(seamless(model, wanted=plan.tiling))
    early = _encoded(this, again) if plan.settings.hires_fix_use_firstpass_conds else None
    stack.enter_context(this.engine.hooks.around_pass(event))
    made = _run(this, again, early or _encoded(this, again), lambda: start_second(this, again, hires, larger))
    noted = _noted_twice({} if first_sampled is None else first_sampled.infotext, made.sampled.infotext)
    return replace(made, sampled=replace(made.sampled, infotext=noted))


def _encoded(this: Run, one: Pass) -> Conditioning:
    with this.watch.phase("encode"):
        this.control.at_phase("encoding")
        made = encode(one.plan, one.batch, one.model, this.engine, one.event, timing=one.timing, size=one.size)
        return this.engine.hooks.conditioning(made, one.event)


def _run(this: Run, one: Pass, conditioning: Conditioning, begin: Callable[[], Start]) -> PassResult:
    """start and sample."""
    hooks, control, model = this.engine.hooks, this.control, one.model
    with this.watch.phase("start"):
        begun = begin()
        begun = replace(begun, latents=hooks.start_latents(begun.latents, one.event))
    control.at_phase("sampling")
    with this.watch.phase("sample"), Previewer(one.plan, model, control) as previewer:
        refining = Refining(this, one, one.plan.refiner, begun) if one.plan.refiner else None

        def on_step(step: StepReport) -> None:
            previewer.at_step(step)
            hooks.step(StepEvent(run=one.event, step=step))

        sampled = sample(
            plan=one.plan,
            begin=begun,
            conditioning=conditioning,
            model=model,
            control=control,
            on_step=on_step,
            steps_before=one.steps_before,
            refining=refining,
        )
    if sampled.latents is not None:
        sampled = replace(sampled, latents=hooks.sampled_latents(sampled.latents, one.event))
    last = model if refining is None or refining.model is None else refining.model
    return PassResult(sampled=sampled, conditioning=conditioning, model=last, event=one.event, blend=begun.blend)


def _noted_twice(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, object]:
    """What both passes add to the parameters. A schedule is written for the second one where it is another."""
    noted = {**first, **{key: value for key, value in second.items() if key != "Schedule type"}}
    schedule = second.get("Schedule type")
    if schedule is not None and schedule != first.get("Schedule type"):
        noted["Hires schedule type"] = schedule
    return noted
