"""The part of a plan that one batch is made from, which may still change before the batch begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from modules.foundation.errors import RequestError
from modules.generation.plan import BatchSlice, Plan

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """What one batch is made from: an entry a picture in each tuple, sizes in pixels.

    The prompts of a second pass are empty where there is none. Sizes that are changed hold for the batches after this
    one too.
    """

    prompts: tuple[str, ...]
    negative_prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    subseeds: tuple[int, ...]
    width: int
    height: int
    hr_prompts: tuple[str, ...] = ()
    hr_negative_prompts: tuple[str, ...] = ()


def batch_plan(plan: Plan, batch: BatchSlice) -> BatchPlan:
    """The part of `plan` that belongs to `batch`."""
    part, second = batch.pictures, plan.hires.second if plan.hires else None
    return BatchPlan(
        prompts=plan.prompts[part],
        negative_prompts=plan.negative_prompts[part],
        seeds=plan.seeds[part],
        subseeds=plan.subseeds[part],
        width=plan.width,
        height=plan.height,
        hr_prompts=second.prompts[part] if second else (),
        hr_negative_prompts=second.negative_prompts[part] if second else (),
    )


def with_batch_plan(plan: Plan, batch: BatchSlice, changed: BatchPlan) -> Plan:
    """`plan` with `changed` for `batch`. Raises RequestError for a change that cannot be made any more."""
    former = batch_plan(plan, batch)
    if changed == former:
        return plan

    def put(whole: tuple[T, ...], part: tuple[T, ...], name: str) -> tuple[T, ...]:
        if len(part) != batch.count:
            raise RequestError(f"Batch {batch.index + 1} has {batch.count} pictures, but {len(part)} {name}.", name)
        return (*whole[: batch.first], *part, *whole[batch.first + batch.count :])

    hires = plan.hires
    if hires is not None:
        second = replace(
            hires.second,
            prompts=put(hires.second.prompts, changed.hr_prompts, "hr_prompts"),
            negative_prompts=put(hires.second.negative_prompts, changed.hr_negative_prompts, "hr_negative_prompts"),
            seeds=put(hires.second.seeds, changed.seeds, "seeds"),
            subseeds=put(hires.second.subseeds, changed.subseeds, "subseeds"),
        )
        hires = replace(hires, second=second)
    _check_size(plan, changed)
    return replace(
        plan,
        prompts=put(plan.prompts, changed.prompts, "prompts"),
        negative_prompts=put(plan.negative_prompts, changed.negative_prompts, "negative_prompts"),
        seeds=put(plan.seeds, changed.seeds, "seeds"),
        subseeds=put(plan.subseeds, changed.subseeds, "subseeds"),
        width=changed.width,
        height=changed.height,
        hires=hires,
    )


def _check_size(plan: Plan, changed: BatchPlan) -> None:
    if (changed.width, changed.height) == (plan.width, plan.height):
        return
    if plan.is_img2img or plan.hires is not None:
        raise RequestError("The size of a batch can only change for pictures from words, without hires fix.", "width")
    for name, side in (("width", changed.width), ("height", changed.height)):
        if side <= 0 or side % plan.size_step:
            raise RequestError(f"{name} must be a multiple of {plan.size_step}; it is {side}.", name)
