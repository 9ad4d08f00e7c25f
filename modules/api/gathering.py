"""Where very many clients ask how far a job is, their questions are gathered and answered together.

A question alone wakes the server's thread, which takes Python's lock and the caches from the sampler for an answer of a
few hundred bytes. That costs the sampler several times what the same question costs behind another one. As network
cards do with interrupts (Mogul and Ramakrishnan 1997, "Eliminating receive livelock in an interrupt-driven kernel"),
the server's thread therefore sleeps for a moment between its looks at the network, once questions come so fast that
several arrive meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

MANY = 50
"""Questions a second from which on they are gathered; a page asks four times a second, a program once or twice."""

ASLEEP = 0.02
"""Seconds for which the thread sleeps; half of it is the mean delay of an answer."""

AWAKE = 0.005
"""Seconds between two sleeps in which the thread answers: enough for a connection's steps to be taken one by one."""

LOOK_BACK = 0.5
"""Seconds over which questions are counted."""


class Gathering:
    """Counts questions, and puts the event loop to sleep between them while they are many and `busy()`.

    Used from the event loop only. Nothing is put off while nothing runs, or while few ask.
    """

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._count = 0
        self._since = 0.0
        self._on = False

    def asked(self) -> None:
        """A question has come."""
        self._count += 1
        if not self._on and self._are_many():
            self._on = True
            asyncio.get_running_loop().call_later(AWAKE, self._sleep)

    def _are_many(self) -> bool:
        """Whether the last full look back had many; begins the next one when it is over."""
        now = time.monotonic()
        if (passed := now - self._since) < LOOK_BACK:
            return self._on
        many = self._count >= MANY * passed
        self._count, self._since = 0, now
        return many

    def _sleep(self) -> None:
        self._on = self._are_many() and self._busy()
        if self._on:
            # Not asyncio's sleep: the point is that nothing at all is done meanwhile, and Python's lock is free.
            time.sleep(ASLEEP)
            asyncio.get_running_loop().call_later(AWAKE, self._sleep)
