"""Saving on a thread of its own, so that the next picture is sampled while the last one is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Saver:
    """Runs jobs one after another on one thread. At most `limit` wait; then `submit` waits too.

    The bound keeps a slow disk from filling the memory with pictures. A job that raises (SaveError, say) hands the
    exception to whoever asks its future, and the next job is run as if nothing had happened.
    """

    def __init__(self, limit: int = 16) -> None:
        self._room = threading.BoundedSemaphore(limit)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Have `job()` called on the saver's thread; the future holds what it returns or raises.

        Raises RuntimeError after `close()`.
        """
        self._room.acquire()
        try:
            future = self._pool.submit(job)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future

    def flush(self) -> None:
        """Wait until everything submitted so far is written (or has failed)."""
        self._pool.submit(lambda: None).result()

    def close(self) -> None:
        """Write what is left, then end the thread. Further jobs are refused."""
        self._pool.shutdown(wait=True)
