"""Saving on a thread of its own, so that the next picture is sampled while the last one is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from PIL import Image

Result = TypeVar("Result")


class Saver:
    """Runs jobs one after another on one thread. At most `limit` of them and `max_bytes` of pictures wait.

    Beyond either, `submit` waits too: a slow disk must not fill the memory with pictures. One job is always let in,
    however large. A job that raises (SaveError, say) hands the exception to the reader of its future, and the next job
    is run as if nothing had happened.
    """

    def __init__(self, limit: int = 16, max_bytes: int = 1 << 30) -> None:
        self._limit, self._max_bytes = limit, max_bytes
        self._room = threading.Condition()
        self._jobs, self._bytes = 0, 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")

    def submit(self, job: Callable[[], Result], size: int = 0) -> Future[Result]:
        """Have `job()`, which holds `size` bytes, called on the saver's thread; the future holds its result.

        Raises RuntimeError after `close()`.
        """
        self._enter(size)
        try:
            future = self._pool.submit(job)
        except BaseException:
            self._leave(size)
            raise
        future.add_done_callback(lambda _: self._leave(size))
        return future

    def flush(self) -> None:
        """Wait until everything submitted so far is written (or has failed)."""
        self._pool.submit(lambda: None).result()

    def close(self) -> None:
        """Write what is left, then end the thread. Further jobs are refused."""
        self._pool.shutdown(wait=True)

    def _enter(self, size: int) -> None:
        with self._room:
            self._room.wait_for(
                lambda: self._jobs == 0 or (self._jobs < self._limit and self._bytes + size <= self._max_bytes)
            )
            self._jobs += 1
            self._bytes += size

    def _leave(self, size: int) -> None:
        with self._room:
            self._jobs -= 1
            self._bytes -= size
            self._room.notify_all()


def bytes_of(image: Image.Image) -> int:
    """The memory that the pixels of `image` take."""
    return image.width * image.height * len(image.getbands()) * (4 if image.mode in ("I", "F") else 1)
