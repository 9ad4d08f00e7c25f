"""refine: the refiner takes over within a pass."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from modules.foundation.errors import RequestError
from modules.generation.plan import RefinerPlan
from modules.pipeline.encode import encode
from modules.pipeline.guidance_hooks import guidance_hooks
from modules.pipeline.model import LoadedModel
from modules.pipeline.picture_input import picture_input, picture_vectors
from modules.pipeline.sample import image_guidance_scale, with_unet
from modules.pipeline.seamless_tiling import seamless
from modules.pipeline.start import Start, model_schedule
from modules.sampling.conditioning import WithVectors
from modules.sampling.network import ConditionedNetwork

if TYPE_CHECKING:
    from modules.pipeline.state import PassState, RunState


class Refining:
    """Decides before each evaluation whether the refiner's turn has come, and then loads it and encodes for it.

    `noted` is what it adds to the parameters; checkpoints in it are named when the text is written.
    """

    def __init__(self, state: RunState, current: PassState, plan: RefinerPlan, begun: Start) -> None:
        self._state, self._pass, self._plan, self._begun = state, current, plan, begun
        self.model: LoadedModel | None = None
        self.noted: dict[str, object] = {}

    def turn(
        self, unet: contextlib.ExitStack, *, call: int, total_calls: int, level: float
    ) -> ConditionedNetwork | None:
        """The refiner, once it is its turn. `unet` holds the first UNet on the device and has it make room."""
        at, sampler = self._plan.switch_at, self._pass.plan.sampler
        done = call / total_calls if self._plan.by_calls else sampler.denoiser.share_done(self._begun.schedule, level)
        if at is not None and done < at:
            return None
        self._state.control.at_phase("loading")
        model = self._state.load(self._plan.checkpoint, self._plan.vae)
        self._check(model)
        unet.close()
        successor = self._successor(model, unet)
        self._state.control.at_phase("sampling")
        self.model = model
        self._note()
        return successor

    def _successor(self, model: LoadedModel, unet: contextlib.ExitStack) -> ConditionedNetwork:
        current, engine = self._pass, self._state.engine
        event = replace(current.event, model=model, stage="refiner")
        current.stack.enter_context(seamless(model, wanted=current.plan.tiling))
        current.stack.enter_context(engine.hooks.around_pass(event))
        made = encode(
            current.plan,
            current.batch,
            model,
            engine,
            event,
            timing=current.timing,
            size=current.size,
            check=self._state.control.check_interrupt,
        )
        conditioning = engine.hooks.conditioning(made, event)
        with_unet(unet, model, self._begun.latents, engine.hooks, event)
        image_cond, vectors = self._begun.image_cond, self._begun.picture_vectors
        if model.checkpoint.image_input != current.model.checkpoint.image_input:
            image_cond = picture_input(current.plan, current.batch, model)
            vectors = picture_vectors(current.plan, current.batch, model)
        return ConditionedNetwork(
            predict=model.predict,
            schedule=model_schedule(self._state.plan, model),
            conds=conditioning.at if vectors is None else WithVectors(conditioning.at, vectors),
            image_cond=image_cond,
            # Whichever model takes over, the picture guides as strongly as before.
            image_guidance_scale=image_guidance_scale(current.plan, current.model),
            empty_prompt=conditioning.empty,
            hooks=guidance_hooks(engine.hooks, event, blend=self._begun.blend, scale=current.plan.cfg_scale),
        )

    def _check(self, model: LoadedModel) -> None:
        first = self._pass.model.checkpoint
        if first.family.latents != model.checkpoint.family.latents:
            raise RequestError(
                f"{model.checkpoint.info.name} is {model.checkpoint.family} and cannot refine what {first.info.name}, "
                f"which is {first.family}, began. Choose another refiner.",
                "refiner_checkpoint",
            )

    def _note(self) -> None:
        plan = self._state.plan
        if self._plan.by_calls:
            self.noted["Refiner switch by sampling steps"] = True
        if plan.hires is not None and plan.settings.hires_fix_refiner_pass != "second pass":
            self.noted["Hires refiner"] = plan.settings.hires_fix_refiner_pass
        self.noted["Refiner"] = self._plan.checkpoint
        self.noted["Refiner switch at"] = self._plan.switch_at
