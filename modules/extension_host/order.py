"""In which order things with wishes about one another come."""

from __future__ import annotations

import graphlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def ordered(
    things: Sequence[T],
    name: Callable[[T], str],
    before: Callable[[T], Iterable[str]],
    after: Callable[[T], Iterable[str]],
) -> list[T]:
    """`things` with each after what it wants to come after; otherwise they keep their order.

    Wishes about names that are not there mean nothing. Where wishes contradict one another all of them are left aside.
    """
    places = {name(thing): place for place, thing in enumerate(things)}
    ahead: dict[int, set[int]] = {place: set() for place in range(len(things))}
    for place, thing in enumerate(things):
        for other in after(thing):
            if other in places:
                ahead[place].add(places[other])
        for other in before(thing):
            if other in places:
                ahead[places[other]].add(place)
    sorter = graphlib.TopologicalSorter(ahead)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        round_trip = " -> ".join(name(things[place]) for place in error.args[1])
        log.warning("Extensions want to be loaded in a circle (%s); they are loaded by their names.", round_trip)
        return list(things)
    result: list[T] = []
    ready: list[int] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        result.append(things[ready[0]])
        sorter.done(ready.pop(0))
    return result
