"""Learning rates over the steps of a training: schedules written as text, and the curves of warm-up and cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from modules.foundation.errors import RequestError

Curve = Literal["constant", "cosine"]


@dataclass(frozen=True, kw_only=True)
class RateStep:
    """A learning rate that holds for the steps before `until`; None is the end of the training."""

    rate: float
    until: int | None


@dataclass(frozen=True, kw_only=True)
class RateSchedule:
    """Rates one after another. Steps are counted from 0."""

    parts: tuple[RateStep, ...]

    def rate(self, step: int) -> float:
        """The rate of a step; past the last part that part's rate."""
        for part in self.parts:
            if part.until is None or step < part.until:
                return part.rate
        return self.parts[-1].rate

    @property
    def end(self) -> int | None:
        """The step at which the schedule ends the training; None leaves that to the number of steps."""
        return self.parts[-1].until


def parse_rates(text: str, field: str = "learn_rate") -> RateSchedule:
    """A schedule written as `0.005:100, 1e-3:1000, 1e-5`: each rate holds until the step behind its colon.

    The last part may go without a step, or have -1: then it holds to the end. Raises RequestError naming the part.
    """
    parts: list[RateStep] = []
    texts = [part.strip() for part in text.split(",")]
    while texts and not texts[-1]:  # a comma at the end says nothing
        texts.pop()
    if not texts:
        raise RequestError(f"{field} is empty. Write a rate such as 0.005, or several as in 0.005:100, 1e-3.", field)
    for number, part in enumerate(texts, start=1):
        if parts and parts[-1].until is None:
            raise _wrong(field, number - 1, texts[number - 2], "only the last part may go without a step")
        parts.append(_parse_part(part, number, field, parts[-1].until if parts else 0))
    return RateSchedule(parts=tuple(parts))


def _parse_part(text: str, number: int, field: str, before: int | None) -> RateStep:
    rate_text, colon, step_text = (piece.strip() for piece in text.partition(":"))
    try:
        rate = float(rate_text)
    except ValueError:
        raise _wrong(field, number, text, f"{rate_text!r} is no number") from None
    if not math.isfinite(rate) or rate < 0:
        raise _wrong(field, number, text, "a rate must be a number from 0 on")
    if not colon:
        return RateStep(rate=rate, until=None)
    try:
        until = int(step_text)
    except ValueError:
        raise _wrong(field, number, text, f"{step_text!r} is no number of steps") from None
    if until == -1:
        return RateStep(rate=rate, until=None)
    if until <= (before or 0):
        raise _wrong(field, number, text, f"its step must be greater than {before or 0}")
    return RateStep(rate=rate, until=until)


def _wrong(field: str, number: int, part: str, why: str) -> RequestError:
    return RequestError(
        f"{field}: part {number}, {part!r}, cannot be used: {why}. Write it as in 0.005:100, 1e-3:1000, 1e-5.", field
    )


def curve_factor(curve: Curve, step: int, steps: int, warmup: int = 0) -> float:
    """What the rate of a step (from 0) of `steps` is multiplied with.

    It rises linearly over `warmup` steps; "cosine" then falls along half a cosine to 0 (Loshchilov, Hutter 2017,
    "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5, without restarts).
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if curve == "constant":
        return 1.0
    share = (step - warmup) / max(steps - warmup, 1)
    return 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
