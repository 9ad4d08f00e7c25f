"""What extensions hang into sampling, attached to the hooks for the passes of one run and no longer.

Rows are in A1111's order: for each picture the parts of its prompt, then the negative prompt of each picture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modules.a1111 import sampler_objects, store_latents
from modules.a1111 import script as scripts
from modules.a1111.callbacks import AfterCFGCallbackParams, CFGDenoisedParams, CFGDenoiserParams
from modules.a1111.conditioning import DictWithShape, conditioning_of
from modules.a1111.current import OWNER as KEPT
from modules.a1111.patching import looked_up, replaced
from modules.a1111.samplers import all_samplers_map
from modules.a1111.types import ExtensionFunction
from modules.foundation.errors import EaselError, Interrupted
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from torch import Tensor

    from modules.a1111.dialect import A1111Dialect
    from modules.a1111.processing.parameters import StableDiffusionProcessing
    from modules.a1111.sd_model import ModelView
    from modules.hooks.events import BlendEvent, EvaluationEvent, RunEvent, StepEvent
    from modules.sampling.conditioning import CondBatch
    from modules.sampling.guidance_hooks import Estimate, GuidanceInput, GuidanceOutput

OWNER = "a1111: sampling"


def class_patched() -> bool:
    """Whether an extension has replaced a method of the samplers' classes, or how they are made."""
    kinds = (sampler_objects.Sampler, sampler_objects.KDiffusionSampler, sampler_objects.CompVisSampler)
    return (
        any(kind.callback_state is not sampler_objects.STEP for kind in kinds)
        or bool(all_samplers_map.added)
        or sampler_objects.CFGDenoiser.combine_denoised is not sampler_objects.COMBINE
        or replaced("modules.sd_samplers", "create_sampler", create_sampler) is not None
        or replaced("modules.sd_samplers_common", "store_latent", store_latents.store_latent) is not None
    )


def create_sampler(name: str, model: ModelView) -> Any:
    """The object of a sampler by its name, as a run makes it. Extensions wrap this function to change what it gives."""
    from modules.a1111.samplers import find_sampler_config

    config = find_sampler_config(name)
    made = config.constructor(model)
    made.config = config
    return made


def _changing_scale(p: StableDiffusionProcessing, event: RunEvent) -> float | None:
    """The scale of the pass where it has a product of its own, as those have that change guidance step by step."""
    second = event.stage == "second pass"
    scale = (getattr(p, "hr_cfg", None) if second else None) or p.cfg_scale
    own = isinstance(scale, float) and type(scale).__module__ != "numpy"
    return scale if own and (type(scale).__mul__, type(scale).__rmul__) != (float.__mul__, float.__rmul__) else None


def is_replaced(kind: object, method: str, own: Callable[..., Any]) -> bool:
    """Whether a method of an object is another than `own`, on its class or on the object."""
    found = getattr(kind, method, None)
    return found is not None and getattr(found, "__func__", found) is not own


@dataclass
class Seams:
    """The seams of the run at hand: its sampler object and what is attached for it."""

    dialect: A1111Dialect
    sampler: Any = None
    detach: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    wanted: list[tuple[Any, ExtensionFunction]] = field(default_factory=list[tuple[Any, ExtensionFunction]])
    done: int = 0
    negative: object = None
    scale: float | None = None
    """`p.cfg_scale` of the pass, where it is a number of an extension's that is another one with each product."""

    def begin(self, p: StableDiffusionProcessing, event: RunEvent) -> None:
        """A pass begins: make its sampler, and attach what is listened to. Without listeners nothing is attached."""
        assert event.plan is not None
        create = looked_up("modules.sd_samplers", "create_sampler")
        # One that an extension has put into the map for this run takes the place of the chosen one.
        own = p.sampler_name if p.sampler_name in all_samplers_map.added else None
        p.sampler = create(own or event.plan.sampler.name, self.dialect.shared.sd_model)
        self.attach(p.sampler, p, event)

    def attach(self, sampler: Any, p: StableDiffusionProcessing, event: RunEvent) -> None:
        """Attach what is listened to in a pass of this sampler object."""
        from modules.a1111.ldm.unet import heed_joining

        self.end()
        self.sampler, self.done = sampler, 0
        initialize = getattr(self.sampler, "initialize", None)
        if callable(initialize):
            initialize(p)
        self._describe(p, event)
        heed_joining(event.model.checkpoint.unet)
        callbacks, hooks = self.dialect.callbacks, self.dialect.app.hooks
        guidance = getattr(self.sampler, "model_wrap_cfg", None)
        self.scale = _changing_scale(p, event)
        combines = self.scale is not None or is_replaced(guidance, "combine_denoised", sampler_objects.COMBINE)
        wanted: list[tuple[Any, ExtensionFunction, bool]] = [
            (hooks.estimate, self.estimated, self._is_network_replaced()),
            (hooks.guidance_input, self.before, bool(callbacks.of("cfg_denoiser"))),
            (hooks.guidance_output, self.after, bool(callbacks.of("cfg_denoised"))),
            (hooks.guided, self.guided, bool(callbacks.of("cfg_after_cfg"))),
            (hooks.combination, self.combined, combines),
            (hooks.step, self.step, True),
            (hooks.mask_blend, self.blended, p.scripts is not None and p.scripts.has("on_mask_blend")),
        ]
        self.wanted = [(point, function) for point, function, listened in wanted if listened]
        self.resume()

    def resume(self) -> None:
        """Attach what the pass at hand wants."""
        self.detach = [point.attach(OWNER, function) for point, function in self.wanted]

    @contextlib.contextmanager
    def within(self, sampler: Any, p: StableDiffusionProcessing, event: RunEvent) -> Generator[None]:
        """While an extension samples by itself, its sampler object stands in the place of the pass's."""
        self.end()
        inner = Seams(self.dialect)
        try:
            inner.attach(sampler, p, event)
            yield
        finally:
            inner.end()
            self.resume()

    def _describe(self, p: StableDiffusionProcessing, event: RunEvent) -> None:
        guidance = getattr(self.sampler, "model_wrap_cfg", None)
        if guidance is None or event.plan is None:
            return
        steps = int(getattr(p, "hr_second_pass_steps", 0) or p.steps) if event.stage == "second pass" else int(p.steps)
        guidance.p, guidance.step, guidance.steps = p, 0, steps
        guidance.total_steps = event.plan.sampler.model_calls(steps)

    def end(self) -> None:
        """Let go of everything, for good or while a run within this one is made."""
        for each in self.detach:
            each()
        self.detach = []

    @property
    def _guidance(self) -> Any:
        return getattr(self.sampler, "model_wrap_cfg", None)

    @property
    def _steps(self) -> int:
        return int(getattr(self._guidance, "steps", 0) or 0)

    # The network

    def _is_network_replaced(self) -> bool:
        """Whether an extension has put something in the place of the network as the sampler calls it."""
        inner = getattr(self._guidance, "inner_model", None)
        if not isinstance(inner, sampler_objects.InnerModel):
            return False  # an extension's own guidance has its own way to the network
        forward = getattr(inner.forward, "__func__", None)
        return forward is not sampler_objects.InnerModel.forward or "apply_model" in vars(inner.inner_model)

    def estimated(self, ask: Estimate, event: RunEvent) -> Estimate:
        """The network's `forward` and `apply_model`, where an extension has replaced one of them."""
        inner = self._guidance.inner_model
        inner.program = ask

        def estimate(x: Tensor, levels: Tensor, cond: CondBatch) -> Tensor:
            beside = x.new_zeros(len(x), 5, 1, 1) if cond.image_cond is None else cond.image_cond
            conditioning: JsonObject = {"c_concat": [beside]}
            if cond.vector is None:
                conditioning["c_crossattn"] = [cond.tokens]
            else:
                conditioning |= {"crossattn": cond.tokens, "vector": cond.vector}
            try:
                return inner(x, levels, cond=conditioning)
            except (Interrupted, EaselError):
                raise
            except Exception as error:  # the boundary of an extension
                if not self.dialect.blame(error, "what it has put in the place of the network failed"):
                    raise
                vars(inner).pop("forward", None)
                vars(inner.inner_model).pop("apply_model", None)
                return ask(x, levels, cond)

        return estimate

    # Guidance

    def before(self, guidance_input: GuidanceInput, event: RunEvent) -> GuidanceInput:
        """on_cfg_denoiser."""
        import torch

        from modules.sampling.guidance_hooks import rows_of

        guidance = self._guidance
        if guidance is not None:
            guidance.step = guidance_input.call
        parts = [guidance_input.cond] if guidance_input.uncond is None else [guidance_input.cond, guidance_input.uncond]
        images = tuple(image for part in parts for image in part.images)
        beside = [part.image_cond for part in parts if part.image_cond is not None]
        # Outside of inference mode tensors count how often they are written to.
        with torch.inference_mode(False):
            sigma = torch.full((len(images),), float(guidance_input.level), device=guidance_input.x.device)
        version = sigma._version
        rows = rows_of(guidance_input.x, images).clone()
        params = CFGDenoiserParams(
            rows,
            # Models that get no picture beside the latent have a stand-in of this shape in A1111.
            torch.cat(beside) if len(beside) == len(parts) else rows.new_zeros(len(images), 5, 1, 1),
            sigma,
            self.done,
            self._steps,
            _as_seen(guidance_input.cond),
            _as_seen(guidance_input.uncond if guidance_input.uncond is not None else guidance_input.cond),
            guidance,
        )
        self.dialect.callbacks.call("cfg_denoiser", params)
        self.negative = params.text_uncond
        count = len(guidance_input.cond)
        cond, uncond = guidance_input.cond, guidance_input.uncond
        if len(beside) == len(parts) and params.image_cond is not None:
            cond = replace(cond, image_cond=params.image_cond[:count])
            uncond = None if uncond is None else replace(uncond, image_cond=params.image_cond[count:])
        changed = replace(
            guidance_input,
            cond=_as_changed(cond, params.text_cond),
            uncond=None if uncond is None else _as_changed(uncond, params.text_uncond),
            x_cond=params.x[:count],
            x_uncond=None if guidance_input.uncond is None else params.x[count:],
        )
        if params.sigma is sigma and sigma._version == version:
            return changed
        levels = tuple(params.sigma.flatten().tolist())
        return replace(changed, levels=levels if len(levels) == len(images) else levels[:1] * len(images))

    def after(self, output: GuidanceOutput, event: RunEvent) -> GuidanceOutput:
        """on_cfg_denoised."""
        import torch

        params = CFGDenoisedParams(
            torch.cat([output.cond, output.uncond]),
            self.done,
            self._steps,
            getattr(self._guidance, "inner_model", None),
        )
        self.dialect.callbacks.call("cfg_denoised", params)
        count = len(output.cond)
        return replace(output, cond=params.x[:count], uncond=params.x[count:])

    def combined(self, value: Tensor, event: EvaluationEvent) -> Tensor:
        """CFGDenoiser.combine_denoised, where an extension has replaced it or the scale changes by itself.

        Such a scale counts its products, one for each prompt of each picture.
        """
        import torch

        output, factor, scale = event.output, 1.0, event.scale
        if self.scale is not None:
            assert event.run.plan is not None
            scale, factor = self.scale, event.run.plan.sampler.guidance_multiplier
        lists: list[list[tuple[int, float]]] = [[] for _ in range(len(output.uncond))]
        for row, (image, weight) in enumerate(zip(output.images, output.weights, strict=True)):
            lists[image].append((row, weight * factor))
        rows = torch.cat([output.cond, output.uncond])
        return self._guidance.combine_denoised(rows, lists, output.uncond, scale)

    def guided(self, value: Tensor, event: EvaluationEvent) -> Tensor:
        """on_cfg_after_cfg."""
        params = AfterCFGCallbackParams(value, self.done, self._steps)
        self.dialect.callbacks.call("cfg_after_cfg", params)
        return params.x

    def blended(self, value: Tensor, event: BlendEvent) -> Tensor:
        """on_mask_blend."""
        p = event.run.kept.get(KEPT)
        if p is None or p.scripts is None:
            return value
        blend: Any = event.blend
        mask = blend.mask
        source = getattr(blend, "source", None)
        args = scripts.MaskBlendArgs(
            event.latent,
            mask,
            source if source is not None else blend.kept,
            1 - mask,
            value,
            None if event.level is None else self._guidance,
            event.level,
        )
        p.scripts.call("on_mask_blend", p, args)
        return args.blended_latent

    # Steps

    def step(self, event: StepEvent) -> None:
        """KDiffusionSampler.callback_state and store_latent, where an extension has replaced them."""
        step = event.step
        self.done = step.index
        sampler = self.sampler
        sampler.last_latent = step.denoised
        stored = replaced("modules.sd_samplers_common", "store_latent", store_latents.store_latent)
        try:
            if is_replaced(sampler, "callback_state", sampler_objects.STEP):
                values = {"i": step.index, "x": step.x, "denoised": step.denoised}
                sampler.callback_state({**values, "sigma": step.sigma, "sigma_hat": step.sigma})
            if stored is not None:
                stored(step.denoised)
        except (Interrupted, EaselError):
            raise
        except Exception as error:  # the boundary of an extension
            if not self.dialect.blame(error, "what it does after each step failed"):
                raise


def _as_seen(batch: CondBatch) -> Any:
    """Encoded prompts as A1111 has them: a tensor, or for SDXL a dict of tensors."""
    if batch.vector is None:
        return batch.tokens
    return DictWithShape({"crossattn": batch.tokens, "vector": batch.vector})


def _as_changed(batch: CondBatch, seen: object) -> CondBatch:
    """The rows with what a callback has put in the place of their tokens."""
    tokens, vector, _ = conditioning_of(seen)
    if tokens is batch.tokens and vector is batch.vector:
        return batch
    return replace(batch, tokens=tokens, vector=batch.vector if vector is None else vector)
