"""What a run knows: the state that its stages hand on. What they do with it stands in the files named after them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.vae_files import VaeInfo
from modules.foundation.timing import Stopwatch
from modules.generation.conditioning import Conditioning
from modules.generation.latents import Latents, Samples
from modules.generation.plan import BatchSlice, Plan
from modules.generation.progress import RunControl
from modules.hooks.events import RunEvent
from modules.hooks.points import Hooks
from modules.imaging.resize import Upscale
from modules.pipeline.decode import decoded_pixels
from modules.pipeline.engine import Engine
from modules.pipeline.model import LoadedModel
from modules.pipeline.sample import Sampled
from modules.pipeline.save import Saving
from modules.pipeline.start import ChangeExtraNoise
from modules.sampling.inpainting import Blend
from modules.text_encoders.prompt_conditioning import Timing


@dataclass(kw_only=True, eq=False)
class RunState:
    """What one run has decided, and what it gathers on its way."""

    engine: Engine
    control: RunControl
    timings: Stopwatch
    event: RunEvent
    plan: Plan
    model: LoadedModel
    saving: Saving
    init_hashes: tuple[str, ...] = ()
    upscale: Upscale | None = None
    extra: dict[str, object] = field(default_factory=dict[str, object])
    incomplete: bool = False

    def use_plan(self, plan: Plan) -> None:
        """Go on with another plan, which an attachment made of this one."""
        self.plan = self.saving.plan = plan
        self.event = replace(self.event, plan=plan)

    def load(self, checkpoint: CheckpointInfo, vae: VaeInfo | None) -> LoadedModel:
        """The model of a further stage; the run's own where it is the same."""
        if checkpoint.path == self.plan.checkpoint.path:
            return self.model
        with self.timings.phase("load"):
            self.control.at_phase("loading")
            return self.engine.load(checkpoint, self.control.at_load, vae=vae, beside=True)

    def short_title(self, checkpoint: CheckpointInfo) -> str:
        """A checkpoint's name and hash, as parameters name a second one."""
        digest = self.engine.short_hash(checkpoint)
        return f"{checkpoint.model_name} [{digest}]" if digest else checkpoint.model_name


@dataclass(frozen=True, kw_only=True, eq=False)
class PassState:
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

    `blend` is what kept the unmasked part of inpainted pictures; `pixels` [B, 3, H, W] of -1 to 1 are there where an
    attachment has decoded the latents.
    """

    sampled: Sampled
    conditioning: Conditioning
    model: LoadedModel
    event: RunEvent
    blend: Blend | None = None
    pixels: Tensor | None = None

    @property
    def samples(self) -> Samples:
        """What attachments that replace sampling see of it."""
        return Samples(latents=self.latents, pixels=self.pixels, decode=self._decoded)

    def _decoded(self, latents: Latents) -> Tensor:
        plan = self.event.plan
        assert plan is not None
        return torch.stack(list(decoded_pixels(latents, plan, self.model)))

    @property
    def latents(self) -> Latents | None:
        """The finished latents; None where nothing can be shown."""
        return self.sampled.latents
