"""The values of wildcards, as they were read from files."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, eq=False, kw_only=True)
class WildcardList:
    """The values of one name in one file. `lines` are where they stand, from 1; 0 where that cannot be told."""

    name: str
    path: Path
    texts: Sequence[str]
    weights: Sequence[float]
    lines: Sequence[int]
    problems: tuple[str, ...] = ()

    def place(self, index: int) -> str:
        """The file and the line of a value, for a person."""
        line = self.lines[index]
        return f"{self.path}, line {line}" if line else str(self.path)


@dataclass(frozen=True, eq=False)
class WildcardMatches:
    """What a name, or a pattern of names, stands for: all values of some collections, one after another."""

    collections: tuple[WildcardList, ...]
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", [0, *itertools.accumulate(len(each.texts) for each in self.collections)])

    def __len__(self) -> int:
        return self.starts[-1]

    def at(self, index: int) -> tuple[WildcardList, int]:
        """The collection of a value, and which of its values it is."""
        index_of_part = bisect.bisect_right(self.starts, index) - 1
        return self.collections[index_of_part], index - self.starts[index_of_part]

    @property
    def weights(self) -> Iterator[float]:
        """Of all values, in order."""
        return itertools.chain.from_iterable(each.weights for each in self.collections)

    @cached_property
    def cumulative(self) -> list[float]:
        """Weights of all values, each with those before it."""
        return list(itertools.accumulate(self.weights))


class Lookup(Protocol):
    """Where the values of wildcards come from."""

    def find(self, name: str, near: str = "") -> WildcardMatches | None:
        """The values of `name`, as it was typed in a value of the collection `near`; None where there are none."""
        ...

    def problems(self) -> Sequence[str]:
        """What is wrong with files, in sentences that name file and line."""
        ...


class NoWildcards:
    """Without files there are no values."""

    def find(self, name: str, near: str = "") -> WildcardMatches | None:
        """No name has values: always None."""
        return None

    def problems(self) -> Sequence[str]:
        """There are no files that could be wrong: always empty."""
        return ()
