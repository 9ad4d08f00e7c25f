"""Every hook point of Easel, in the order in which one run of the pipeline reaches them."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from modules.generation.latents import ExtraNoise, Latents, StepReport
from modules.generation.plan import Plan
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage, GenerationResult
from modules.hooks.registry import Around, Collect, Observe, Point, Transform

if TYPE_CHECKING:
    # It imports torch, and the page must be up before torch is.
    from modules.generation.conditioning import Conditioning
    from modules.text_encoders.embeddings import TextualInversion


@dataclass(frozen=True, kw_only=True, eq=False)
class RunEvent:
    """Where a run is: its request and, once that is decided, its plan and the index of the batch (from 0).

    `model` is the checkpoint, a `modules.pipeline.model.LoadedModel`, from `around_run` on. In the second pass of
    hires fix, and after the refiner has taken over, `stage` says so, and plan and model are those of that stage.
    """

    request: GenerationRequest
    plan: Plan | None = None
    model: Any = None
    batch: int = 0
    stage: Literal["first pass", "second pass", "refiner"] = "first pass"
    warnings: list[str] = field(default_factory=list[str])
    """Sentences for the user; one list for the whole run, which its result carries."""

    @property
    def pictures(self) -> slice:
        """Which of the plan's pictures the batch holds."""
        size = self.plan.batch_size if self.plan is not None else self.request.batch_size
        return slice(self.batch * size, (self.batch + 1) * size)

    def warn(self, *sentences: str) -> None:
        """Tell the user something, each sentence once a run."""
        self.warnings.extend(sentence for sentence in sentences if sentence not in self.warnings)


@dataclass(frozen=True, kw_only=True, eq=False)
class StepEvent:
    """One sampling step was taken."""

    run: RunEvent
    step: StepReport

    def warn(self, *sentences: str) -> None:
        """Tell the user something, each sentence once a run."""
        self.run.warn(*sentences)


@dataclass
class Hooks:
    """One set of points; an application has one, and so has each test that wants its own."""

    request: Transform[GenerationRequest, RunEvent] = field(
        default_factory=lambda: Transform("request", "Change what was asked, before anything is decided.")
    )
    plan: Transform[Plan, RunEvent] = field(
        default_factory=lambda: Transform("plan", "Change what was decided, before any work is done.")
    )
    around_run: Around[RunEvent] = field(
        default_factory=lambda: Around("around_run", "Wrap a whole run: patch the model on entering, undo on leaving.")
    )
    around_batch: Around[RunEvent] = field(default_factory=lambda: Around("around_batch", "Wrap one batch of a run."))
    around_pass: Around[RunEvent] = field(
        default_factory=lambda: Around(
            "around_pass", "Wrap a further stage of a batch: the second pass of hires fix, or the refiner's steps."
        )
    )
    embeddings: Collect[TextualInversion, RunEvent] = field(
        default_factory=lambda: Collect("embeddings", "Textual inversions to be known beside those of the folders.")
    )
    conditioning_state: Collect[Hashable, RunEvent] = field(
        default_factory=lambda: Collect(
            "conditioning_state", "Whatever else decides the encoded prompts; they are remembered under it."
        )
    )
    conditioning: Transform[Conditioning, RunEvent] = field(
        default_factory=lambda: Transform("conditioning", "Change the encoded prompts of a batch.")
    )
    extra_noise: Transform[ExtraNoise, RunEvent] = field(
        default_factory=lambda: Transform(
            "extra_noise", "Change the extra noise that a picture gets before sampling, where the settings want some."
        )
    )
    start_latents: Transform[Latents, RunEvent] = field(
        default_factory=lambda: Transform("start_latents", "Change the noise (or noised picture) a batch starts from.")
    )
    step: Observe[StepEvent] = field(
        default_factory=lambda: Observe("step", "Watch a sampling step; called within the loop, so be quick.")
    )
    sampled_latents: Transform[Latents, RunEvent] = field(
        default_factory=lambda: Transform("sampled_latents", "Change the latents after the last step.")
    )
    picture: Transform[Any, RunEvent] = field(
        default_factory=lambda: Transform("picture", "Change one decoded PIL picture, before its text is written.")
    )
    infotext_fields: Transform[dict[str, object], RunEvent] = field(
        default_factory=lambda: Transform("infotext_fields", "Add or change the parameters written with a picture.")
    )
    saved: Observe[FinishedImage] = field(
        default_factory=lambda: Observe("saved", "Hear of each finished picture once it is saved (or failed to be).")
    )
    result: Transform[GenerationResult, RunEvent] = field(
        default_factory=lambda: Transform("result", "Change the result before it is handed to whoever asked.")
    )

    def all(self) -> tuple[Point, ...]:
        """Every point, in order."""
        return tuple(getattr(self, each.name) for each in dataclasses.fields(self))

    def detach_owner(self, owner: str) -> None:
        """Remove every attachment made in the name of `owner`."""
        for point in self.all():
            point.attachments = [each for each in point.attachments if each.owner != owner]
