"""What the text encoder made of the prompts of one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.sampling.guidance import Cond


@dataclass(frozen=True, kw_only=True, eq=False)
class ScheduledCond:
    """A part of a prompt that holds up to and including step `until` (counted from 1, as A1111 counts)."""

    until: int
    cond: Cond


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedPrompt:
    """One of the parts that AND joins, with its weight and its texts over the steps."""

    weight: float
    schedule: tuple[ScheduledCond, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditioning:
    """For each picture of a batch: the parts of its prompt, and its negative prompt."""

    positive: tuple[tuple[WeightedPrompt, ...], ...]
    negative: tuple[tuple[ScheduledCond, ...], ...]
