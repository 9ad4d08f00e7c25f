"""Which prompts a sheet of styles has: trigger words, alone or several together, at several weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from modules.foundation.errors import RequestError
from modules.prompts.craft.triggers import with_weight

MOST_STYLES = 500
MOST_TOGETHER = 4
MOST_WEIGHTS = 50
LARGEST_WEIGHT = 10


def styles_of(words: Any) -> list[str]:
    """The trigger words of a text: one a line, or between commas where there is only one line. Raises RequestError."""
    if not isinstance(words, str):
        raise RequestError(f"Style sheet: the trigger words are a text; it is {words!r:.100}.", "script_args")
    lines = words.split("\n") if "\n" in words.strip() else words.split(",")
    found = list(dict.fromkeys(line.strip().rstrip(",") for line in lines if line.strip()))
    if not 1 <= len(found) <= MOST_STYLES:
        raise RequestError(
            f"Style sheet: give 1 to {MOST_STYLES} trigger words, one a line; there are {len(found)}.", "script_args"
        )
    return found


def mixture_count(words: Any, together: Any) -> int:
    """How many `mixtures_of` gives, before they are made. Raises RequestError as that does."""
    styles = styles_of(words)
    return math.comb(len(styles), _together(together, styles))


def mixtures_of(words: Any, together: Any) -> list[tuple[str, ...]]:
    """All choices of so many of the words, in their order. Raises RequestError for fewer words than that."""
    styles = styles_of(words)
    return list(itertools.combinations(styles, _together(together, styles)))


def _together(together: Any, styles: Sequence[str]) -> int:
    if not isinstance(together, int | float) or not 1 <= together <= min(MOST_TOGETHER, len(styles)):
        most = min(MOST_TOGETHER, len(styles))
        raise RequestError(
            f"Style sheet: 1 to {most} of these words go together; it is {together!r:.100}.", "script_args"
        )
    return int(together)


def weights_of(text: Any) -> list[float]:
    """The numbers between commas. Raises RequestError for what is none, or beyond 10."""
    pieces = [piece.strip() for piece in str(text).split(",") if piece.strip()]
    weights: list[float] = []
    for piece in pieces:
        try:
            weight = float(piece)
        except ValueError:
            weight = math.nan
        if not 0 <= weight <= LARGEST_WEIGHT:
            raise RequestError(
                f"Style sheet: a weight is a number from 0 to {LARGEST_WEIGHT}; it is {piece!r:.100}.", "script_args"
            )
        weights.append(weight)
    if not 1 <= len(weights) <= MOST_WEIGHTS:
        raise RequestError(f"Style sheet: give 1 to {MOST_WEIGHTS} weights; there are {len(weights)}.", "script_args")
    return weights


def styled(prompt: str, mixture: Sequence[str], weight: float, place: str) -> str:
    """A prompt with the words of styles at a weight, before or behind it.

    >>> styled("a cat", ["impasto", "flat color"], 0.6, "start")
    '(impasto:0.6), (flat color:0.6), a cat'
    """
    words = ", ".join(with_weight(word, weight) for word in mixture)
    parts = [words, prompt.strip()] if place == "start" else [prompt.strip().rstrip(","), words]
    return ", ".join(part for part in parts if part)
