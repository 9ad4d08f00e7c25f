"""A memory of what was encoded before, bounded by its size in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ConditioningCache(Generic[Value]):
    """Forgets what was not asked for longest once `max_bytes` are exceeded. Threads may share it.

    A key must contain everything that decides the value: see `conditioning_key`. `size` tells the bytes of a value.
    """

    def __init__(self, max_bytes: int, size: Callable[[Value], int]) -> None:
        self.max_bytes = max_bytes
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._bytes = 0
        self.hits = self.misses = 0

    @property
    def bytes(self) -> int:
        """Bytes of all cached tensors."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value for `key`, made now if it is not remembered. Two threads may make the same value at once."""
        with self._lock:
            if key in self._entries:
                self.hits += 1
                self._entries.move_to_end(key)
                return self._entries[key][0]
            self.misses += 1
        value = make()
        size = self._size(value)
        with self._lock:
            self._forget(key)
            if size <= self.max_bytes:
                self._entries[key] = (value, size)
                self._bytes += size
            while self._bytes > self.max_bytes:
                self._forget(next(iter(self._entries)))
        return value

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _forget(self, key: Hashable) -> None:
        if key in self._entries:
            self._bytes -= self._entries.pop(key)[1]
