"""Composable prompts: `a cat :1.2 AND a dog AND a fox :2.2` (Liu et al. 2022, "Compositional Visual Generation")."""

from __future__ import annotations

import math
import re

from modules.prompts.length import check_parts

_AND = re.compile(r"\bAND\b")
_WEIGHT = re.compile(r":\s*([-+]?(?:\d+\.?|\d*\.\d+))\Z")


def split_and(text: str) -> list[tuple[str, float]]:
    """The parts of a composed prompt with their weights; a text without AND is one part of weight 1.

    White space before a part belongs to it, white space after it does not. Raises RequestError for too many parts.
    """
    parts = _AND.split(text)
    check_parts(len(parts))
    return [_weighted(part.rstrip()) for part in parts]


def count_parts(text: str) -> int:
    """How many parts AND makes of a text."""
    return len(_AND.findall(text)) + 1


def _weighted(part: str) -> tuple[str, float]:
    found = _WEIGHT.search(part)
    if found and math.isfinite(weight := float(found[1])):
        return part[: found.start()].rstrip(), weight
    return part, 1.0
