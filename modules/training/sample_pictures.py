"""Sample pictures in the middle of a training, made as every other picture is."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Hashable
from dataclasses import dataclass

from PIL.Image import Image

from modules.generation.progress import RunControl
from modules.generation.request import GenerationRequest
from modules.hooks.events import RunEvent
from modules.pipeline.engine import Engine
from modules.pipeline.run import run
from modules.settings.model import Settings
from modules.text_encoders.textual_inversion import TextualInversion
from modules.training.options import TrainingOptions
from modules.training.trainee import Trainee

OWNER = "Training"


class _InnerControl(RunControl):
    """Progress of its own; stops when the training is to stop."""

    def __init__(self, outer: RunControl) -> None:
        super().__init__()
        self._outer = outer

    def check(self) -> None:
        self._outer.check_interrupt()


@dataclass(kw_only=True, eq=False)
class SamplePictures:
    """Makes sample pictures for one training. `step` is how much has been learned."""

    engine: Engine
    options: TrainingOptions
    settings: Settings
    checkpoint: str
    trainee: Trainee
    step: int = 0

    @contextlib.contextmanager
    def attached(self) -> Generator[None]:
        """Have prompts know what is trained within the block."""
        hooks = self.engine.hooks
        hooks.embeddings.attach(OWNER, self._first_embedding)
        hooks.conditioning_state.attach(OWNER, self._state)
        try:
            yield
        finally:
            hooks.detach_owner(OWNER)

    def _first_embedding(self, event: RunEvent) -> list[TextualInversion]:
        return list(self.trainee.embeddings)

    def _state(self, event: RunEvent) -> list[Hashable]:
        return [(OWNER, self.step)]

    def make(self, prompt: str, control: RunControl) -> tuple[Image, str] | None:
        """A picture and its parameters text; None where it was interrupted. Raises EaselError for what cannot be made.

        `prompt` is used where no other is wished for.
        """
        preview, dataset = self.options.output.preview, self.options.dataset
        request = GenerationRequest(
            prompt=preview.prompt or prompt,
            negative_prompt=preview.negative_prompt,
            steps=preview.steps,
            sampler=preview.sampler,
            cfg_scale=preview.cfg_scale,
            seed=preview.seed,
            width=preview.width or dataset.width,
            height=preview.height or dataset.height,
            save_images=False,
            save_grid=False,
        )
        result = run(request, self.engine, _InnerControl(control), settings=self.settings, checkpoint=self.checkpoint)
        if not result.samples:
            return None
        return result.samples[0].image, result.samples[0].infotext
