"""In which order things with wishes about one another come."""

from __future__ import annotations

import graphlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def ordered(
    items: Sequence[T],
    name: Callable[[T], str],
    before: Callable[[T], Iterable[str]],
    after: Callable[[T], Iterable[str]],
) -> list[T]:
    """`items` with each after what it wants to come after; otherwise they keep their order.

    Wishes about names that are not there mean nothing. Where wishes contradict one another all of them are left aside.
    """
    places = {name(item): place for place, item in enumerate(items)}
    ahead: dict[int, set[int]] = {place: set() for place in range(len(items))}
    for place, item in enumerate(items):
        for other in after(item):
            if other in places:
                ahead[place].add(places[other])
        for other in before(item):
            if other in places:
                ahead[places[other]].add(place)
    sorter = graphlib.TopologicalSorter(ahead)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        round_trip = " -> ".join(name(items[place]) for place in error.args[1])
        log.warning("Extensions want to be loaded in a circle (%s); they are loaded by their names.", round_trip)
        return list(items)
    result: list[T] = []
    ready: list[int] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        result.append(items[ready[0]])
        sorter.done(ready.pop(0))
    return result
