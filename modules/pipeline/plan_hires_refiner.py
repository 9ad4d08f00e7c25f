"""The parts of a plan that repeat stages: the second pass of hires fix, and the refiner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modules.checkpoints.catalogue import Catalogue
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeCatalogue, VaeInfo
from modules.foundation.errors import UnknownName
from modules.generation.plan import HiresPlan, Plan, RefinerPlan
from modules.generation.request import GenerationRequest, HiresRequest
from modules.imaging.hires_size import hires_size
from modules.infotext.labels import SAME
from modules.infotext.restore import old_first_pass_size
from modules.prompts.comments import strip_comments
from modules.prompts.styles import apply_styles
from modules.sampling.latent_upscale import DEFAULT, LATENT_UPSCALERS
from modules.sampling.loop import infotext_of
from modules.sampling.options import SamplingOptions
from modules.sampling.samplers.registry import Sampler, find, resolve_pair
from modules.settings.model import Settings
from modules.upscalers.catalogue import UpscalerCatalogue

if TYPE_CHECKING:
    from modules.sampling.schedules import Schedule

NO_CHECKPOINT = ("", "none")


def sizes_asked(request: GenerationRequest, settings: Settings) -> GenerationRequest:
    """The request with the sizes of its passes, where an old setting makes width and height those of the second one."""
    hires = request.hires
    if hires is None or not settings.use_old_hires_fix_width_height or hires.first_picture is not None:
        return request
    width, height = old_first_pass_size(request.width, request.height)
    hires = replace(hires, resize_width=request.width, resize_height=request.height)
    return replace(request, width=width, height=height, hires=hires)


@dataclass(frozen=True, kw_only=True)
class Catalogues:
    """The files that names may mean, and where the user is told of names that mean nothing."""

    catalogue: Catalogue
    vaes: VaeCatalogue
    upscalers: UpscalerCatalogue
    warnings: list[str]

    def checkpoint(self, name: str, field: str) -> CheckpointInfo:
        """The checkpoint called `name`. Raises UnknownName, which names the request's `field`."""
        try:
            return self.catalogue.find(name)
        except UnknownName as error:
            raise UnknownName("checkpoint", name, (info.name for info in self.catalogue.all()), field) from error

    def upscaler(self, name: str, field: str) -> str:
        """The full name of an upscaler of pictures. Raises UnknownName, or CheckpointError for one without its file."""
        try:
            return self.upscalers.find(name, field).name
        except UnknownName as error:
            names = (*LATENT_UPSCALERS, *(info.name for info in self.upscalers.all()))
            raise UnknownName("upscaler", name, names, field) from error

    def vae(self, settings: Settings, checkpoint: CheckpointInfo) -> VaeInfo | None:
        """The VAE for a checkpoint.

        One that is not here is no reason to make no picture: parameters of other people's pictures name theirs.
        """
        try:
            overrides = settings.sd_vae_overrides_per_model_preferences
            return self.vaes.choose(settings.sd_vae, checkpoint, overrides=overrides)
        except UnknownName as error:
            self.warnings.append(f"{error} The checkpoint's own VAE is used instead.")
            return None


def with_passes(plan: Plan, request: GenerationRequest, known: Catalogues) -> Plan:
    """The plan with its second pass and its refiner, where they were asked for.

    Raises UnknownName for an unknown checkpoint, sampler, schedule or upscaler.
    """
    refiner = _refiner(plan, request, known)
    if request.hires is None:
        return replace(plan, refiner=_unless_same(refiner, plan))
    where = plan.settings.hires_fix_refiner_pass
    hires = _hires(plan, request, request.hires, known)
    if where != "first pass":
        hires = replace(hires, second=replace(hires.second, refiner=_unless_same(refiner, hires.second)))
    return replace(plan, hires=hires, refiner=None if where == "second pass" else _unless_same(refiner, plan))


def _unless_same(refiner: RefinerPlan | None, plan: Plan) -> RefinerPlan | None:
    """A checkpoint does not take over from itself."""
    return None if refiner is None or refiner.checkpoint.path == plan.checkpoint.path else refiner


def hires_token_merging_ratio(settings: Settings) -> float:
    """The ratio of the second pass, which is the first one's unless it has its own."""
    return settings.token_merging_ratio_hr or settings.token_merging_ratio


def _refiner(plan: Plan, request: GenerationRequest, known: Catalogues) -> RefinerPlan | None:
    name = request.refiner_checkpoint or ""
    if name.strip().casefold() in NO_CHECKPOINT:
        return None
    checkpoint = known.checkpoint(name, "refiner_checkpoint")
    return RefinerPlan(
        checkpoint=checkpoint,
        vae=known.vae(plan.settings, checkpoint),
        switch_at=request.refiner_switch_at,
        by_calls=plan.settings.refiner_switch_by_sample_steps,
    )


def _hires(plan: Plan, request: GenerationRequest, hires: HiresRequest, known: Catalogues) -> HiresPlan:
    settings = plan.settings
    upscaler = hires.upscaler or DEFAULT
    if upscaler not in LATENT_UPSCALERS:
        upscaler = known.upscaler(upscaler, "hr_upscaler")
    sampler, schedule = _sampler(plan, hires)
    checkpoint = (
        None if hires.checkpoint in (None, "", *SAME) else known.checkpoint(hires.checkpoint, "hr_checkpoint_name")
    )
    step = known.catalogue.family_of(checkpoint or plan.checkpoint).size_step
    size = hires_size(
        request.width,
        request.height,
        scale=hires.scale,
        resize_width=hires.resize_width,
        resize_height=hires.resize_height,
        step=step,
    )
    width, height = (max(side, step) for side in size.final)
    prompts, negatives = _prompts(plan, request, hires)
    second = replace(
        plan,
        checkpoint=checkpoint or plan.checkpoint,
        vae=known.vae(settings, checkpoint) if checkpoint else plan.vae,
        prompts=prompts,
        negative_prompts=negatives,
        sampler=sampler,
        schedule=schedule,
        sampler_fields=infotext_of(
            sampler, SamplingOptions.from_settings(settings.model_dump(), eta=request.eta), from_image=True
        ),
        steps=hires.steps or plan.steps,
        cfg_scale=plan.cfg_scale if hires.cfg_scale is None else hires.cfg_scale,
        width=width,
        height=height,
        size_step=step,
        token_merging_ratio=hires_token_merging_ratio(settings),
        denoising_strength=plan.denoising_strength,
    )
    return HiresPlan(
        target=size.target,
        upscaler=upscaler,
        second=second,
        latent_mode=LATENT_UPSCALERS.get(upscaler),
        first_picture=hires.first_picture,
        fields=_fields(plan, second, hires, checkpoint),
    )


def _sampler(plan: Plan, hires: HiresRequest) -> tuple[Sampler, Schedule]:
    """Each of the two names alone, or both, may be left to the first pass."""
    if hires.sampler in (None, "", *SAME):
        sampler, schedule = plan.sampler.name, plan.schedule.label
    else:
        # A name that is no sampler's holds a schedule as well, which goes before the first pass's.
        sampler, schedule = hires.sampler, plan.schedule.label if find(hires.sampler) else None
    return resolve_pair(sampler, schedule if hires.scheduler in (None, "", *SAME) else hires.scheduler)


def _prompts(plan: Plan, request: GenerationRequest, hires: HiresRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The prompts of the second pass, one a picture; each is the first pass's where it is empty."""
    each = request.per_picture
    if each is not None and (each.hr_prompts or each.hr_negative_prompts):
        return each.hr_prompts[: plan.count] or plan.prompts, each.hr_negative_prompts[
            : plan.count
        ] or plan.negative_prompts
    prompt, negative = apply_styles(
        hires.prompt or request.prompt, hires.negative_prompt or request.negative_prompt, plan.styles
    )
    if plan.settings.enable_prompt_comments:
        prompt, negative = strip_comments(prompt), strip_comments(negative)
    prompts, negatives = (prompt,) * plan.count, (negative,) * plan.count
    if each is not None:
        prompts = prompts if hires.prompt else plan.prompts
        negatives = negatives if hires.negative_prompt else plan.negative_prompts
    return prompts, negatives


def _fields(plan: Plan, second: Plan, hires: HiresRequest, checkpoint: CheckpointInfo | None) -> dict[str, object]:
    resized = hires.resize_width or hires.resize_height
    return {
        "Hires checkpoint": checkpoint,
        "Hires sampler": second.sampler.name if second.sampler is not plan.sampler else None,
        "Hires upscale": None if resized else hires.scale,
        "Hires resize": f"{hires.resize_width}x{hires.resize_height}" if resized else None,
        "Hires steps": hires.steps or None,
        "Hires upscaler": hires.upscaler,
    }
