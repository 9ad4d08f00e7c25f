"""Weights of tags: written at one weight, and carried over between A1111's brackets and NovelAI's."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, cast

from modules.foundation.plain import JsonMapping
from modules.prompts.attention import BREAK, parse_attention
from modules.prompts.craft.tag_list import joined, split_tags, unweighted

BASE = 1.1
"""What a round bracket of A1111 multiplies with."""

CURLY = 1.05
"""What a curly bracket of NovelAI multiplies with."""

MAX_BRACKETS = 100

_ROUND_OR_SQUARE = re.compile(r"[()\[\]\\]")
_CURLY_OR_SQUARE = re.compile(r"[{}\[\]\\]")


def offered_weights(table: JsonMapping) -> dict[str, float]:
    """The weights of weight_steps.yaml, by what each is for; entries that are no weight are left out."""
    steps = table.get("steps")
    entries = cast("dict[Any, Any]", steps) if isinstance(steps, dict) else {}
    return {
        str(label): float(weight)
        for label, weight in entries.items()
        if isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= 10
    }


def step_weight(amount: float) -> float:
    """The weight that a number of the step tool stands for: itself, or a negative exponent of 1.1.

    >>> step_weight(0.9), step_weight(-2), step_weight(-6)
    (0.9, 0.826, 0.564)
    """
    return amount if amount >= 0 else round(BASE ** max(amount, -1000), 3)


def at_weight(prompt: str, amount: float, *, each: bool = True, form: Literal["number", "brackets"] = "number") -> str:
    """A list of tags at one weight, each tag for itself or the whole; weights that stood there before are gone.

    As a "number" it is that of `step_weight`; as "brackets" as many round ones as `amount`, square ones below 0.

    >>> at_weight("lowres, text", 0.9), at_weight("lowres, text", -2, form="brackets")
    ('(lowres:0.9), (text:0.9)', '[[lowres]], [[text]]')
    """
    plain = [unweighted(tag.text) for tag in split_tags(prompt)]
    pieces = plain if each else [joined(plain)]
    return joined([_weighted(piece, amount, form) if piece and not _is_network(piece) else piece for piece in pieces])


def _is_network(piece: str) -> bool:
    """Whether it is a tag such as <lora:x:1>, which has a weight of its own."""
    return piece.startswith("<") and piece.endswith(">")


def _weighted(piece: str, amount: float, form: Literal["number", "brackets"]) -> str:
    if form == "number":
        weight = step_weight(amount)
        return piece if weight == 1 else f"({piece}:{number(weight)})"
    count = max(-MAX_BRACKETS, min(MAX_BRACKETS, round(amount)))
    return f"{'(' * count}{piece}{')' * count}" if count >= 0 else f"{'[' * -count}{piece}{']' * -count}"


def number(weight: float) -> str:
    """A weight as it is typed: without an exponent and without zeros at the end."""
    return f"{weight:.10f}".rstrip("0").rstrip(".")


def to_a1111(prompt: str) -> str:
    """A prompt of NovelAI's with A1111's brackets and the same weights.

    >>> to_a1111("{blue eyes}, black hair")
    '(blue eyes:1.05), black hair'
    """
    pieces: list[str] = []
    for piece, weight in parse_attention(prompt, "NovelAI"):
        if piece == BREAK and weight == -1:
            pieces.append(f" {BREAK} ")
            continue
        text = _ROUND_OR_SQUARE.sub(r"\\\g<0>", piece)
        pieces.append(text if weight == 1 or not text else f"({text}:{number(weight)})")
    return "".join(pieces)


def to_novelai(prompt: str) -> str:
    """A prompt of A1111's with NovelAI's brackets. Weights become the nearest power of 1.05.

    >>> to_novelai("(blue eyes:1.05), [black hair]")
    '{blue eyes}, [[black hair]]'
    """
    pieces: list[str] = []
    for piece, weight in parse_attention(prompt, "A1111"):
        if piece == BREAK and weight < 0:
            pieces.append(f" {BREAK} ")
            continue
        text = _CURLY_OR_SQUARE.sub(r"\\\g<0>", piece)
        power = round(math.log(weight) / math.log(CURLY)) if weight > 0 else -MAX_BRACKETS
        power = max(-MAX_BRACKETS, min(MAX_BRACKETS, power)) if text else 0
        opening, closing = ("{", "}") if power > 0 else ("[", "]")
        pieces.append(f"{opening * abs(power)}{text}{closing * abs(power)}")
    return "".join(pieces)
