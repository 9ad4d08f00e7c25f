"""Shutdown at a client's request: in order, in order with a restart, or at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable


class Shutdown:
    """Wishes to end, from any thread. The server says how it is stopped; where none runs, wishes have no effect."""

    def __init__(self) -> None:
        self._stop: Callable[[], None] = lambda: None
        self.restart_wanted = False

    def bind(self, stop: Callable[[], None]) -> None:
        """`stop()` ends the server: no new request is taken, what is finished is saved."""
        self._stop = stop

    def stop(self) -> None:
        """Stop the server in order."""
        self._stop()

    def restart(self) -> None:
        """End in order, then start again with the same command line."""
        self.restart_wanted = True
        self._stop()

    def kill(self, seconds: float = 0.2) -> None:
        """End the process without waiting for anything, `seconds` from now, so that an answer can still leave.

        Files are written under a temporary name and renamed, so none is half there afterwards.
        """
        timer = threading.Timer(seconds, os._exit, (0,))
        timer.daemon = True
        timer.start()


def start_again() -> int:
    """Become a new process with this one's command line. Where that cannot be (Windows), wait for one and end as it."""
    command = [sys.executable, *sys.orig_argv[1:]]
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, command)  # does not return
    return subprocess.call(command)
