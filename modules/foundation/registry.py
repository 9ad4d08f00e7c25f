"""Registries: named things of one kind that their owners bring, and take away again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from modules.foundation.errors import ExtensionError

T = TypeVar("T")

BUILT_IN = "Easel"
"""The owner of what is part of the program, and stays."""


@dataclass(frozen=True)
class _Entry(Generic[T]):
    owner: str
    item: T
    order: int


class Registry(Sequence[T]):
    """The things of one kind, in the order in which they are offered. Thread-safe; reading takes no lock.

    `kind` is what a message calls one of them. `names_of` gives the names that one goes by, the first of which it is
    listed under; no two have one in common, in whatever case. The built-in ones come in by the same door as all others.
    """

    def __init__(self, kind: str, names_of: Callable[[T], Iterable[str]], built_in: Iterable[T] = ()) -> None:
        self.kind, self._names_of = kind, names_of
        self._lock = threading.RLock()
        self._entries: tuple[_Entry[T], ...] = ()
        self._items: tuple[T, ...] = ()
        self._by_name: dict[str, _Entry[T]] = {}
        self._observers: list[Callable[[], None]] = []
        for item in built_in:
            self.register(BUILT_IN, item)

    def register(self, owner: str, item: T, *, order: int = 0) -> Callable[[], None]:
        """Add `item` in the name of `owner`; lower `order` is listed earlier. Returns what takes it away again.

        Raises ExtensionError for a name that is taken, naming its owner.
        """
        entry = _Entry(owner, item, order)
        with self._lock:
            for name in self._names_of(item):
                if (former := self._by_name.get(name.casefold())) is not None:
                    raise ExtensionError(
                        f"{owner} cannot register the {self.kind} {name!r}: {former.owner} has one of that name. "
                        "Choose another name."
                    )
            self._replace([*self._entries, entry])
        return lambda: self._remove(lambda each: each is entry)

    def unregister(self, owner: str) -> None:
        """Take away everything of `owner`; what is part of the program stays."""
        if owner != BUILT_IN:
            self._remove(lambda entry: entry.owner == owner)

    def observe(self, observer: Callable[[], None]) -> None:
        """Have `observer` called after each change. One that raises undoes the change."""
        self._observers.append(observer)

    def find(self, name: str) -> T | None:
        """What goes by `name`, in any case, or None."""
        entry = self._by_name.get(name.strip().casefold())
        return None if entry is None else entry.item

    def owner_of(self, item: T) -> str:
        """Who brought `item`. Raises KeyError for something that is not here."""
        for entry in self._entries:
            if entry.item is item:
                return entry.owner
        raise KeyError(item)

    def names(self) -> list[str]:
        """The name that each is listed under."""
        return [next(iter(self._names_of(item))) for item in self._items]

    def _remove(self, unwanted: Callable[[_Entry[T]], bool]) -> None:
        with self._lock:
            kept = [entry for entry in self._entries if not unwanted(entry)]
            if len(kept) < len(self._entries):
                self._replace(kept)

    def _replace(self, entries: list[_Entry[T]]) -> None:
        before = self._entries
        self._set(entries)
        try:
            for observer in self._observers:
                observer()
        except BaseException:
            self._set(before)
            raise

    def _set(self, entries: Iterable[_Entry[T]]) -> None:
        self._entries = tuple(sorted(entries, key=lambda entry: entry.order))
        self._items = tuple(entry.item for entry in self._entries)
        self._by_name = {name.casefold(): entry for entry in self._entries for name in self._names_of(entry.item)}

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._items[index]

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}, {self.names()})"
