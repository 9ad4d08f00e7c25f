"""A thread for background work."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")

PAUSE = 0.002
"""Seconds between two pieces of work while a picture is made, whose own thread so gets the interpreter at once."""


class Background:
    """One thread that does what it is given in turn. It starts with the first task and never keeps a program alive.

    `busy` tells whether something more important is going on.
    """

    def __init__(self, name: str, busy: Callable[[], bool] = lambda: False) -> None:
        self._name, self._busy = name, busy
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """Have `task` done. After `close()` it is cancelled."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed.is_set():
                future.cancel()
                return future
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._tasks.put((future, task))
        return future

    def breathe(self) -> None:
        """To be called within long tasks, between two pieces. Raises CancelledError when the program ends."""
        if self._closed.is_set():
            raise CancelledError
        if self._busy():
            time.sleep(PAUSE)

    def close(self) -> None:
        """Do no more; the running task ends where it next breathes."""
        with self._lock:
            self._closed.set()
            self._tasks.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while (next_one := self._tasks.get()) is not None:
            future, task = next_one
            if self._closed.is_set() or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                future.set_result(task())
            except CancelledError as error:
                future.set_exception(error)
            except Exception as error:
                # It is delivered with the future, which may be dropped.
                log.debug("%s: a task failed", self._name, exc_info=True)
                future.set_exception(error)
