"""What could not be written down for now: kept in order, and tried again until it could."""

from __future__ import annotations

import collections
import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from modules.foundation.errors import EaselError, StorageError

log = logging.getLogger(__name__)

Write = Callable[[], object]

SECONDS = 1.0
"""From one try to the next."""

MOST = 20_000
"""Changes that are kept; beyond that the oldest are given up, for what they are about has long ended."""


class Backlog:
    """Changes that wait for room on the disk, or for another program to let go of the file. Thread-safe."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._changes: collections.deque[tuple[str, Write]] = collections.deque(maxlen=MOST)
        self._lock, self._writing = threading.Lock(), threading.RLock()
        self._draining = False
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._tried = 0.0
        self.reason = ""

    def __len__(self) -> int:
        return len(self._changes)

    def keep(self, what: str, write: Write) -> bool:
        """Have `write()` done: now, or after everything that waits already. Gives whether it was now.

        A StorageError makes it wait; what else goes wrong is logged, and the change given up.
        """
        if self._changes and (time.monotonic() - self._tried < self._seconds or not self.drain()):
            self._wait(what, write, None)
            return False
        try:
            return self._written(what, write)
        except StorageError as error:
            self._wait(what, write, error)
            return False

    def drain(self) -> bool:
        """Do what waits, as far as it goes. Gives whether nothing waits any more."""
        with self._writing:
            if self._draining:  # one of the changes brings another one
                return False
            self._draining = True
            try:
                return self._drain()
            finally:
                self._draining = False

    def _drain(self) -> bool:
        while self._changes:
            what, write = self._changes[0]
            self._tried = time.monotonic()
            try:
                self._written(what, write)
            except StorageError as error:
                self.reason = str(error)
                return False
            with self._lock:
                self._changes.popleft()
        if self.reason:
            log.info("What could not be kept for a while is kept now.")
            self.reason = ""
        return True

    def close(self) -> None:
        """Try once more, and no more after that."""
        self._closed.set()
        if self._changes and not self.drain():
            log.error("%d changes of jobs and history could not be kept: %s", len(self._changes), self.reason)

    def _written(self, what: str, write: Write) -> bool:
        try:
            write()
        except StorageError:
            raise
        except (sqlite3.Error, EaselError) as error:
            log.error("%s could not be kept: %s", what, error)
            return False
        return True

    def _wait(self, what: str, write: Write, error: StorageError | None) -> None:
        with self._lock:
            self._changes.append((what, write))
            if error is not None and not self.reason:
                self.reason = str(error)
                log.error("%s could not be kept yet: %s", what, error)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._go_on, name="backlog", daemon=True)
                self._thread.start()

    def _go_on(self) -> None:
        while not self._closed.wait(self._seconds):
            self.drain()
            with self._lock:
                if not self._changes:
                    self._thread = None
                    return
