"""Reading a model file before it is needed, so that loading it finds it in the operating system's cache."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

BLOCK = 4 * 1024 * 1024
RESERVE = 1024**3
"""Bytes of memory that stay free: pages that push out others that are in use would do harm."""


class ReadAhead:
    """One file after another on a thread of its own; a newer wish ends the one before. Nothing of it is kept here.

    Reading copies each block once and holds no lock of Python's, so it costs what computes meanwhile a fraction of a
    second for a whole checkpoint.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._newest = threading.Event()
        self._last: tuple[Path, int] | None = None

    def want(self, choose: Callable[[], Path | None]) -> Future[None]:
        """Read what `choose` names, a file or a folder; it is called on the thread. None is nothing.

        The future is done when the file has been read; it need not be waited for.
        """
        self._newest.set()
        self._newest = threading.Event()
        try:
            return self._pool.submit(self._read, choose, self._newest)
        except RuntimeError:
            # The program is ending.
            future: Future[None] = Future()
            future.cancel()
            return future

    def close(self) -> None:
        """Stop reading."""
        self._newest.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, choose: Callable[[], Path | None], outdated: threading.Event) -> None:
        path = choose()
        try:
            if path is None or self._last == (path, path.stat().st_mtime_ns):
                return
            files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
            if psutil.virtual_memory().available < sum(each.stat().st_size for each in files) + RESERVE:
                return
            for each in files:
                self._through(each, outdated)
            if not outdated.is_set():
                self._last = path, path.stat().st_mtime_ns
                log.debug("Read ahead: %s", path)
        except OSError as error:
            log.debug("%s could not be read ahead: %s", path, error)

    def _through(self, path: Path, outdated: threading.Event) -> None:
        buffer = bytearray(BLOCK)
        with path.open("rb", buffering=0) as file:
            while not outdated.is_set() and file.readinto(buffer):
                pass
