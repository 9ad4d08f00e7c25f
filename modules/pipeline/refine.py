"""refine: the refiner takes over within a pass."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from modules.foundation.errors import RequestError
from modules.generation.plan import RefinerPlan
from modules.pipeline.encode import encode
from modules.pipeline.latent_space import same_latents
from modules.pipeline.model import LoadedModel
from modules.pipeline.picture_input import picture_input
from modules.pipeline.sample import image_guidance_scale, with_unet
from modules.pipeline.start import Start, model_schedule
from modules.pipeline.tiling import seamless
from modules.sampling.network import ConditionedNetwork

if TYPE_CHECKING:
    from modules.pipeline.passes import Pass, Run


class Refining:
    """Decides before each evaluation whether the refiner's turn has come, and then loads it and encodes for it.

    `noted` is what it adds to the parameters; checkpoints in it are named when the text is written.
    """

    def __init__(self, this: Run, one: Pass, plan: RefinerPlan, begun: Start) -> None:
        self._this, self._pass, self._plan, self._begun = this, one, plan, begun
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
        self._this.control.at_phase("loading")
        model = self._this.load(self._plan.checkpoint, self._plan.vae)
        self._check(model)
        unet.close()
        successor = self._successor(model, unet)
        self._this.control.at_phase("sampling")
        self.model = model
        self._note()
        return successor

    def _successor(self, model: LoadedModel, unet: contextlib.ExitStack) -> ConditionedNetwork:
        this, one, engine = self._this, self._pass, self._this.engine
        event = replace(one.event, model=model, stage="refiner")
        one.stack.enter_context(seamless(model, wanted=one.plan.tiling))
        one.stack.enter_context(engine.hooks.around_pass(event))
        made = encode(one.plan, one.batch, model, engine, event, timing=one.timing, size=one.size)
        conditioning = engine.hooks.conditioning(made, event)
        with_unet(unet, model, one.plan, self._begun.latents)
        image_cond = self._begun.image_cond
        if model.checkpoint.image_input != one.model.checkpoint.image_input:
            image_cond = picture_input(one.plan, one.batch, model)
        return ConditionedNetwork(
            predict=model.predict,
            schedule=model_schedule(this.plan, model),
            conds=conditioning.at,
            image_cond=image_cond,
            # Whichever model takes over, the picture guides as strongly as before.
            image_guidance_scale=image_guidance_scale(one.plan, one.model),
            empty_prompt=conditioning.empty,
        )

    def _check(self, model: LoadedModel) -> None:
        first = self._pass.model.checkpoint
        if not same_latents(first.family, model.checkpoint.family):
            raise RequestError(
                f"{model.checkpoint.info.name} is {model.checkpoint.family} and cannot refine what {first.info.name}, "
                f"which is {first.family}, began. Choose another refiner.",
                "refiner_checkpoint",
            )

    def _note(self) -> None:
        plan = self._this.plan
        if self._plan.by_calls:
            self.noted["Refiner switch by sampling steps"] = True
        if plan.hires is not None and plan.settings.hires_fix_refiner_pass != "second pass":
            self.noted["Hires refiner"] = plan.settings.hires_fix_refiner_pass
        self.noted["Refiner"] = self._plan.checkpoint
        self.noted["Refiner switch at"] = self._plan.switch_at
