"""From tags with their probabilities to the words of a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modules.interrogate.options import TagOptions


def tags_to_text(probabilities: Mapping[str, float], options: TagOptions) -> str:
    """The tags, most probable first or by the alphabet, with commas between.

    `probabilities` holds only those that are to be named, in the order of the model's list, which decides among equals.
    """
    kept = [(tag, value) for tag, value in probabilities.items() if tag.casefold() not in options.excluded]
    kept.sort(key=(lambda pair: pair[0]) if options.alphabetical else (lambda pair: -pair[1]))
    return ", ".join(_written(tag, probability, options) for tag, probability in kept)


def _written(tag: str, probability: float, options: TagOptions) -> str:
    text = tag
    if options.spaces and not (options.keeps_kaomoji and is_kaomoji(tag)):
        text = text.replace("_", " ")
    if options.escaped:
        text = re.sub(r"([\\()])", r"\\\1", text)
    return f"({text}:{probability:.3f})" if options.ranks else text


def is_kaomoji(tag: str) -> bool:
    """Whether a tag is a face made of signs, whose underscore is its mouth.

    >>> [is_kaomoji(tag) for tag in ("^_^", "0_0", "(o)_(o)", "||_||", "long_hair", "v", "x-ray")]
    [True, True, True, True, False, False, False]
    """
    left, underscore, right = tag.partition("_")
    if not underscore or "_" in right:
        return False
    return all(sum(sign.isalnum() for sign in side) <= 1 and len(side) <= 3 for side in (left, right))
