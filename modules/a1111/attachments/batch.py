"""A batch: scripts change its prompts, seeds and size, before and after its networks are in force."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from modules.a1111 import conditioning, networks_view
from modules.a1111.attachments.run_p import p_of
from modules.a1111.current import current
from modules.a1111.noise import ImageRNG
from modules.a1111.processing.parameters import StableDiffusionProcessing
from modules.a1111.sd_model import CheckpointView, view_of
from modules.foundation.plain import JsonObject
from modules.generation.batch import BatchPlan
from modules.hooks.events import RunEvent
from modules.sampling.samplers.registry import resolve_pair

if TYPE_CHECKING:
    from modules.generation.plan import Plan
    from modules.text_encoders.prompt_conditioning import TextEncoder

log = logging.getLogger(__name__)

T = TypeVar("T")

SECOND_PASS = (
    *("denoising_strength", "cfg_scale", "hr_cfg", "steps", "hr_second_pass_steps", "hr_prompts"),
    *("hr_negative_prompts", "sampler_name", "hr_sampler_name", "scheduler", "hr_scheduler"),
)
"""What before_hr may change of the pass that follows."""


class BatchAttachments:
    """The batches of a run, and where the second pass begins."""

    def batch(self, batch: BatchPlan, event: RunEvent) -> BatchPlan:
        """before_process_batch."""
        p = p_of(event)
        if p is None:
            return batch
        p.iteration = event.batch
        _take_batch(p, batch)
        p.rng = _noise_of(p, batch, event)
        return _changed_by(p, batch, event, "before_process_batch")

    def batch_begins(self, batch: BatchPlan, event: RunEvent) -> BatchPlan:
        """process_batch, with the networks in force."""
        p = p_of(event)
        if p is None:
            return batch
        _take_batch(p, batch)
        p.program_run = lambda: event
        changed = _changed_by(p, batch, event, "process_batch")
        p.rng = _noise_of(p, changed, event)
        return changed

    def prompts_read(self, prompts: tuple[str, ...], event: RunEvent) -> tuple[str, ...]:
        """get_multicond_prompt_list, where an extension has replaced it.

        Such a function writes AND in another way for the original's, which it calls; that is what is encoded.
        """
        from modules import prompt_parser

        replaced = prompt_parser.get_multicond_prompt_list
        if replaced is conditioning.get_multicond_prompt_list:
            return prompts
        with conditioning.reading() as lists:
            try:
                replaced(conditioning.SdConditioning(prompts))
            except Exception as error:  # the boundary of an extension
                file = getattr(getattr(replaced, "__code__", None), "co_filename", "an extension")
                log.exception("get_multicond_prompt_list of %s failed", file)
                current().failed(file, f"its get_multicond_prompt_list failed and is not used: {error}")
                return prompts
        return tuple(lists[-1]) if lists and len(lists[-1]) == len(prompts) else prompts

    def conditioning_state(self, event: RunEvent) -> list[Hashable]:
        """What the text encoders that scripts put in the model's place depend on."""
        p = p_of(event)
        if p is None:
            return []
        changes: list[Hashable] = [change.key for change in p.text_encoder_changes]
        if view_of(event.model).is_encoder_changed:
            # What an extension does there may depend on anything: nothing that was encoded with it is used again.
            changes.append(object())
        return changes

    def text_encoder(self, encoder: TextEncoder, event: RunEvent) -> TextEncoder:
        """The text encoder that scripts make of the model's (`p.text_encoder_changes`, Easel's own)."""
        p = p_of(event)
        for change in [] if p is None else p.text_encoder_changes:
            encoder = change(encoder, event)
        if p is not None and view_of(event.model).is_encoder_changed:
            from modules.a1111.ldm.text import ThroughView

            encoder = ThroughView(view_of(event.model).cond_stage_model, encoder)
        return encoder

    @contextlib.contextmanager
    def around_batch(self, event: RunEvent) -> Generator[None]:
        """after_extra_networks_activate."""
        p = p_of(event)
        if p is None or p.prompts is None:
            yield
            return
        with networks_view.active(p, p.prompts):
            _after_networks(p, event)
            yield

    def second_pass(self, plan: Plan, event: RunEvent) -> Plan:
        """before_hr."""
        p = p_of(event)
        if p is None:
            return plan
        p.is_hr_pass = True
        p.hr_checkpoint_info = CheckpointView(plan.checkpoint) if p.hr_checkpoint_name else None
        before = {name: getattr(p, name, None) for name in SECOND_PASS}
        if p.scripts is not None:
            p.scripts.call("before_hr", p)
        changed = {name for name in SECOND_PASS if getattr(p, name, None) != before[name]}
        return _second_plan(p, plan, event.batch, changed)


def _second_plan(p: StableDiffusionProcessing, plan: Plan, batch: int, changed: set[str]) -> Plan:
    """The plan of the second pass with what before_hr has changed, and with the seeds that stand in `p` now."""
    pictures = slice(batch * plan.batch_size, (batch + 1) * plan.batch_size)

    def put(whole: tuple[T, ...], entries: Sequence[T]) -> tuple[T, ...]:
        part = whole[pictures]
        entries = tuple(entries)[: len(part)]
        return (*whole[: pictures.start], *entries, *whole[pictures.start + len(entries) :])

    fields: JsonObject = {
        "seeds": put(plan.seeds, [int(seed) for seed in p.seeds or ()]),
        "subseeds": put(plan.subseeds, [int(seed) for seed in p.subseeds or ()]),
        "subseed_strength": float(p.subseed_strength or 0),
    }
    for name in changed:
        value = getattr(p, name)
        match name:
            case "denoising_strength" if value is not None:
                fields[name] = float(value)
            case "cfg_scale" | "hr_cfg" if value is not None:
                fields["cfg_scale"] = float(value)
            case "steps" | "hr_second_pass_steps":
                fields["steps"] = int(p.hr_second_pass_steps or p.steps)
            case "hr_prompts" | "hr_negative_prompts":
                field = name.removeprefix("hr_")
                fields[field] = put(getattr(plan, field), [str(each) for each in value or ()])
            case "sampler_name" | "hr_sampler_name" | "scheduler" | "hr_scheduler":
                schedule = p.hr_scheduler or p.scheduler or plan.schedule.label
                fields["sampler"], fields["schedule"] = resolve_pair(p.hr_sampler_name or p.sampler_name, schedule)
            case _:
                pass
    return replace(plan, **fields)


def _after_networks(p: StableDiffusionProcessing, event: RunEvent) -> None:
    if p.scripts is not None:
        p.scripts.call(
            "after_extra_networks_activate",
            p,
            batch_number=event.batch,
            prompts=p.prompts,
            seeds=p.seeds,
            subseeds=p.subseeds,
            extra_network_data=p.extra_network_data or {},
        )


def _noise_of(p: StableDiffusionProcessing, batch: BatchPlan, event: RunEvent) -> ImageRNG:
    """What the batch's noise is drawn with, for scripts that draw some themselves."""
    loaded: Any = event.model
    return ImageRNG(
        loaded.checkpoint.latents.shape(batch.height, batch.width),
        batch.seeds,
        batch.subseeds,
        float(p.subseed_strength or 0),
        int(p.seed_resize_from_h or 0),
        int(p.seed_resize_from_w or 0),
    )


def _take_batch(p: StableDiffusionProcessing, batch: BatchPlan) -> None:
    p.prompts, p.negative_prompts = list(batch.prompts), list(batch.negative_prompts)
    p.seeds, p.subseeds = list(batch.seeds), list(batch.subseeds)
    p.width, p.height = batch.width, batch.height
    if batch.hr_prompts:
        p.hr_prompts, p.hr_negative_prompts = list(batch.hr_prompts), list(batch.hr_negative_prompts)


def _changed_by(p: StableDiffusionProcessing, batch: BatchPlan, event: RunEvent, method: str) -> BatchPlan:
    """The batch as a method of the scripts leaves it; seeds and sizes as whole numbers."""
    if p.scripts is None or not p.scripts.has(method):
        return batch
    first = event.batch * p.batch_size
    part = slice(first, first + len(batch.prompts))
    names = ("prompts", "negative_prompts", "seeds", "subseeds")
    before = {name: list(getattr(p, f"all_{name}")[part]) for name in names}
    p.scripts.call(method, p, batch_number=event.batch, prompts=p.prompts, seeds=p.seeds, subseeds=p.subseeds)
    for name in names:
        # Some write into the lists of all pictures instead.
        everything = getattr(p, f"all_{name}")[part]
        if everything != before[name] and getattr(p, name) == list(getattr(batch, name)):
            setattr(p, name, everything)
    return replace(
        batch,
        prompts=tuple(p.prompts),
        negative_prompts=tuple(p.negative_prompts),
        seeds=tuple(int(seed) for seed in p.seeds),
        subseeds=tuple(int(seed) for seed in p.subseeds),
        width=int(p.width),
        height=int(p.height),
    )
