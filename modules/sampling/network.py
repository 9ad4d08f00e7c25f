"""A denoising network together with all that its calls take: what guidance works with, and what a successor brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from modules.sampling.conditioning import CondBatch, CondsAt, StepConds
    from modules.sampling.guidance_hooks import GuidanceHooks
    from modules.sampling.model_schedule import ModelSchedule

Predict = Callable[["Tensor", "Tensor", "CondBatch"], "Tensor"]
"""`predict(x, t, cond)`: raw output [rows, C, H, W] for scaled latents x and times t [rows], float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionedNetwork:
    """`predict` with the levels it was trained on and the conditioning that holds at each evaluation.

    `image_cond` [B, C, H, W] goes beside the latent in models that take one, and `image_guidance_scale` says how
    strongly it guides those that edit pictures. `empty_prompt` [n, width] fills up prompts of different length. `hooks`
    take the place of those of the network before, where this one takes over from it.
    """

    predict: Predict
    schedule: ModelSchedule
    conds: CondsAt
    image_cond: Tensor | None = None
    image_guidance_scale: float | None = None
    empty_prompt: Tensor | None = None
    hooks: GuidanceHooks | None = None

    @property
    def guides_by_image(self) -> bool:
        """Whether the picture beside the latent has a guidance of its own; at 1 it is the same without."""
        return self.image_cond is not None and self.image_guidance_scale not in (None, 1.0)

    def image(self, index: int) -> ConditionedNetwork:
        """The same for one image of the batch."""
        image_cond = None if self.image_cond is None else self.image_cond[index : index + 1]
        return replace(self, conds=_ImageConds(self.conds, index), image_cond=image_cond)


class _ImageConds:
    """The conditioning of one image, the same object for as long as the batch's stays the same."""

    def __init__(self, conds: CondsAt, index: int) -> None:
        self._conds, self._index = conds, index
        self._source: StepConds | None = None
        self._part: StepConds | None = None

    def __call__(self, call: int) -> StepConds:
        source = self._conds(call)
        if self._part is None or source is not self._source:
            self._source, self._part = source, source.image(self._index)
        return self._part
