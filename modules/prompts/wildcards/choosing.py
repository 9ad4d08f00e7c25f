"""How the choices of a template are made: by chance, one after another, or all of them in turn."""

from __future__ import annotations

import bisect
import heapq
import math
import random
from collections.abc import Sequence


class Trail:
    """Choices that are made again in the same order, the last of them another one each time: an odometer.

    `choose` is asked for each choice as it comes up; after `advance` the whole is done once more. Which choices come up
    may depend on those before.
    """

    def __init__(self) -> None:
        self._made: list[list[int]] = []
        self._at = 0

    def choose(self, count: int) -> int:
        """A number below `count`."""
        if self._at == len(self._made):
            self._made.append([0, count])
        index = self._made[self._at][0]
        self._at += 1
        return min(index, count - 1)

    def advance(self) -> bool:
        """Go on to the next combination; False, and back at the first one, where all have been made."""
        del self._made[self._at :]
        self._at = 0
        while self._made and self._made[-1][0] + 1 >= self._made[-1][1]:
            self._made.pop()
        if not self._made:
            return False
        self._made[-1][0] += 1
        return True


def weighted_index(generator: random.Random, cumulative: Sequence[float]) -> int:
    """An index by chance. `cumulative` are the weights, each with those before it; all zero: each is as likely.

    Only `Random.random` is drawn from, whose numbers are the same in every version of Python.
    """
    total = cumulative[-1]
    if not total > 0:
        return int(generator.random() * len(cumulative))
    return min(bisect.bisect_right(cumulative, generator.random() * total), len(cumulative) - 1)


def weighted_sample(generator: random.Random, weights: Sequence[float], count: int) -> list[int]:
    """`count` different indices by chance, in the order in which one after another would be drawn.

    Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): the greatest keys log(u) / w. What has
    no weight comes last.
    """
    keys: list[tuple[float, float, int]] = []
    for index, weight in enumerate(weights):
        drawn = 1.0 - generator.random()  # from 0 (exclusive) to 1
        keys.append((math.log(drawn) / weight if weight > 0 else -math.inf, drawn, index))
    return [index for *_, index in heapq.nlargest(count, keys)]
