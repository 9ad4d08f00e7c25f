"""What happens to jobs, as a stream that a client can leave and come back to without missing anything."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modules.foundation.plain import JsonMapping

EventKind = Literal[
    "waiting",
    "paused",
    "running",
    "done",
    "failed",
    "interrupted",
    "position",
    "step",
    "preview",
    "image",
    "standing",
    "history",
]

KEPT = 4096
"""Events that a client which comes back can still be told."""

STARTS_APART = 2**32
"""Ids of one start of the program and the next; more than it will ever have events."""

STEP_SECONDS = 0.1
"""Steps and previews of one job are told at most this often, the last one of a batch always."""

_REPLACED: frozenset[EventKind] = frozenset({"position", "step", "preview"})


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to `job` (None: to the queue as a whole). Ids grow, over restarts too."""

    id: int
    kind: EventKind
    job: str | None
    payload: JsonMapping | Callable[[], JsonMapping]

    @property
    def data(self) -> JsonMapping:
        """What happened, in detail; where only the newest is of interest, as it is now."""
        return self.payload() if callable(self.payload) else self.payload


class Events:
    """The last events. Any thread may tell, without waiting. Of what only the newest tells (the step, the preview, the
    order of the queue) only the newest is kept, so that a busy sampler does not push out what matters."""

    def __init__(self, start: Callable[[], int], kept: int = KEPT) -> None:
        self._start, self._kept = start, kept
        self._lock = threading.Lock()
        self._next: int | None = None
        self._first = 0
        self._events: OrderedDict[int, Event] = OrderedDict()
        self._newest: dict[tuple[EventKind, str | None], int] = {}
        self._last_sent: dict[tuple[EventKind, str | None], float] = {}
        self._listeners: list[Callable[[], None]] = []
        self.ended = False

    def end(self) -> None:
        """Nothing more is to be listened to: the program ends. Listeners are woken, to see `ended`."""
        with self._lock:
            self.ended = True
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def tell(self, kind: EventKind, job: str | None, data: JsonMapping | Callable[[], JsonMapping]) -> None:
        """Something happened. `data` that is a function is called when a listener reads the event."""
        with self._lock:
            if self._next is None:
                self._next = self._first = self._start() * STARTS_APART + 1
            event = Event(id=self._next, kind=kind, job=job, payload=data)
            self._next += 1
            if kind in _REPLACED and (former := self._newest.pop((kind, job), None)) is not None:
                self._events.pop(former, None)
            self._events[event.id] = event
            if kind in _REPLACED:
                self._newest[kind, job] = event.id
            while len(self._events) > self._kept:
                oldest, gone = self._events.popitem(last=False)
                self._first = oldest + 1
                if self._newest.get((gone.kind, gone.job)) == oldest:
                    del self._newest[gone.kind, gone.job]
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def due(self, kind: EventKind, job: str) -> bool:
        """Whether a step or preview of `job` may be told again; if so, it is taken for told."""
        now = time.monotonic()
        if now - self._last_sent.get((kind, job), 0.0) < STEP_SECONDS:
            return False
        self._last_sent[kind, job] = now
        return True

    def over(self, job: str) -> None:
        """`job` has ended: nothing more of it is due, and its last step tells nothing any more."""
        with self._lock:
            for kind in ("step", "preview"):
                self._last_sent.pop((kind, job), None)
                if (former := self._newest.pop((kind, job), None)) is not None:
                    self._events.pop(former, None)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener()` called, on whichever thread, after each event. Gives what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                self._listeners = [each for each in self._listeners if each is not listener]

        return leave

    def after(self, last: int | None) -> tuple[list[Event], bool]:
        """The events after the one with id `last` (None: none yet, only what comes), and whether some are missing."""
        with self._lock:
            if last is None:
                return [], False
            missed = last + 1 < self._first or (self._next is not None and last >= self._next)
            events: list[Event] = []
            for event in reversed(self._events.values()):
                if event.id <= last:
                    break
                events.append(event)
            return events[::-1], missed

    @property
    def newest(self) -> int:
        """The id of the last event, as a place to begin from."""
        with self._lock:
            if self._next is None:
                self._next = self._first = self._start() * STARTS_APART + 1
            return self._next - 1
