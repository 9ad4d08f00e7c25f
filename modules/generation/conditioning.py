"""What the text encoder made of the prompts of one batch."""

from __future__ import annotations

from dataclasses import dataclass, field

from modules.sampling.conditioning import Cond, StepConds
from modules.text_encoders.embeddings import TextualInversion
from modules.text_encoders.scheduled import PromptConditioning, TimedCondition


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditioning:
    """The encoded prompt and negative prompt of each picture of a batch."""

    positive: tuple[PromptConditioning, ...]
    negative: tuple[PromptConditioning, ...]
    _known: dict[tuple[int, ...], StepConds] = field(default_factory=dict[tuple[int, ...], StepConds], repr=False)

    @property
    def used_embeddings(self) -> tuple[TextualInversion, ...]:
        """The textual inversions in all prompts, each once."""
        return tuple(dict.fromkeys(each for prompt in (*self.positive, *self.negative) for each in prompt.used))

    def at(self, call: int) -> StepConds:
        """What holds at an evaluation of the model, counted from 0; the same object for as long as nothing changes."""
        positive = [[(part.at(call), part.weight) for part in prompt.parts] for prompt in self.positive]
        negative = [prompt.parts[0].at(call) for prompt in self.negative]
        key = (*(id(cond) for parts in positive for cond, _ in parts), *(id(cond) for cond in negative))
        if key not in self._known:
            # Schedules move on and do not come back, but for alternations, which have few members.
            if len(self._known) > 8:
                self._known.clear()
            self._known[key] = StepConds(
                positive=tuple(tuple((_cond(cond), weight) for cond, weight in parts) for parts in positive),
                negative=tuple(_cond(cond) for cond in negative),
            )
        return self._known[key]


def _cond(timed: TimedCondition) -> Cond:
    return Cond(tokens=timed.cond, vector=timed.pooled)
