"""What the text encoder made of the prompts of one batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from modules.sampling.conditioning import Cond, StepConds
from modules.text_encoders.prompt_conditioning import PromptConditioning, TimedCondition, used_in
from modules.text_encoders.textual_inversion import TextualInversion


@dataclass(frozen=True, kw_only=True, eq=False)
class Sizes:
    """What follows the text's vector in models that take one, [m], for prompts and for negative prompts."""

    positive: Tensor
    negative: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditioning:
    """The encoded prompt and negative prompt of each picture of a batch, and what the model is told of their sizes.

    `empty` [77, width] is the empty prompt, there where the settings fill up shorter prompts with it.
    """

    positive: tuple[PromptConditioning, ...]
    negative: tuple[PromptConditioning, ...]
    sizes: Sizes | None = None
    empty: Tensor | None = None
    _known: dict[tuple[int, ...], StepConds] = field(default_factory=dict[tuple[int, ...], StepConds], repr=False)

    @property
    def used_embeddings(self) -> tuple[TextualInversion, ...]:
        """The textual inversions in all prompts, in the order of infotext's "TI hashes"."""
        return used_in(self.positive, self.negative)

    @property
    def has_brackets(self) -> bool:
        """Whether any prompt has a bracket that could mean emphasis."""
        return any(prompt.has_brackets for prompt in (*self.positive, *self.negative))

    def at(self, call: int) -> StepConds:
        """What holds at an evaluation of the model, counted from 0; the same object for as long as nothing changes."""
        positive = [[(part.at(call), part.weight) for part in prompt.parts] for prompt in self.positive]
        negative = [prompt.parts[0].at(call) for prompt in self.negative]
        key = (*(id(cond) for parts in positive for cond, _ in parts), *(id(cond) for cond in negative))
        if key not in self._known:
            # Schedules move on and do not come back, but for alternations, which have few members.
            if len(self._known) > 8:
                self._known.clear()
            above, below = (self.sizes.positive, self.sizes.negative) if self.sizes else (None, None)
            self._known[key] = StepConds(
                positive=tuple(tuple((_cond(cond, above), weight) for cond, weight in parts) for parts in positive),
                negative=tuple(_cond(cond, below) for cond in negative),
            )
        return self._known[key]


def _cond(timed: TimedCondition, sizes: Tensor | None) -> Cond:
    if timed.pooled is None or sizes is None:
        return Cond(tokens=timed.cond, vector=timed.pooled)
    return Cond(tokens=timed.cond, vector=torch.cat([timed.pooled, sizes.to(timed.pooled)]))
