"""Signals that end the program: in order at the first, at once at the second, and in any case before a deadline.

`docker stop`, systemd, `kill`, Ctrl+C and a terminal that is closed all come down to one of these signals, and all of
them wait ten seconds at most before they kill.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

DEADLINE = 8.0
"""Seconds from the first signal to the end of the process, whatever still runs; `docker stop` kills after ten.

The rest is for the system, which takes back gigabytes, and for a machine so busy that a second lasts longer.
"""

SAME = 0.2
"""Seconds within which a further signal counts as the same: some programs send it to a process and to its group."""

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Those that exist on this system are listened to. SIGBREAK is Windows' Ctrl+Break and the closing of a console."""


class ShutdownSignals:
    """A context in which signals end the program in order.

    `stop()` is called with the first one; it must return at once and take no lock, for it runs between two instructions
    of the main thread. `abandon()` is called on a thread of its own when the deadline has come, right before the
    process ends unfinished.
    """

    def __init__(self, stop: Callable[[], None], abandon: Callable[[], None], deadline: float = DEADLINE) -> None:
        self._stop, self._abandon, self._deadline = stop, abandon, deadline
        self._former: dict[signal.Signals, Any] = {}
        self._first = 0.0
        self._arrived, self._over = threading.Event(), threading.Event()
        self.received: int | None = None

    def __enter__(self) -> ShutdownSignals:
        """Listen from now on. On another thread than the main one nothing is changed: Python allows no handlers."""
        if threading.current_thread() is threading.main_thread():
            for name in NAMES:
                number = getattr(signal, name, None)
                # What nohup, or a shell that starts something in the background, has ignored stays so.
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._former[number] = signal.signal(number, self._handle)
            threading.Thread(target=self._watch, name="deadline", daemon=True).start()
            _hold_console_open(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Restore the former signal handlers. What came is `received`."""
        self._over.set()
        self._arrived.set()
        for number, handler in self._former.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def raise_again(self) -> None:
        """End the process by the signal that came, so that a shell and systemd see why; return if none has come."""
        if self.received is not None:
            end_by(self.received)

    def receive(self, number: int) -> None:
        """A signal has come, or what stands for one."""
        now = time.monotonic()
        if self.received is None:
            self.received, self._first = number, now
            self._arrived.set()
            self._stop()
        elif now - self._first > SAME and number != getattr(signal, "SIGHUP", None):
            # A closed terminal tells once more through the shell; only who asks again wants it at once.
            end_by(number)

    def wait_until_over(self, seconds: float) -> None:
        """Return when the context has been left."""
        self._over.wait(seconds)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.receive(number)

    def _watch(self) -> None:
        self._arrived.wait()
        if self.received is None:
            return
        # The thread lives on after the context was left: what ends the process in order may hang as well.
        time.sleep(max(self._deadline - 1 - (time.monotonic() - self._first), 0.0))
        abandoning = threading.Thread(target=self._abandon, name="abandon", daemon=True)
        abandoning.start()
        abandoning.join(1.0)
        end_by(self.received)


def end_by(number: int) -> None:
    """End the process at once, as one that this signal has killed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    if os.name == "posix":
        _leave_to_system(number)
        os.kill(os.getpid(), number)
        time.sleep(0.2)  # the first process of a container is not killed by signals
    os._exit(128 + number)


def _leave_to_system(number: int) -> None:
    """Have the system act on a signal as if no handler were installed.

    Python allows its main thread alone to do so, which may be what hangs; the C library lets every thread.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(number, signal.SIG_DFL)
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).signal(number, 0)


def _hold_console_open(signals: ShutdownSignals) -> None:
    """On Windows, hold up the end of the console (its window closed, the user logged off) for what has to be saved."""
    if sys.platform != "win32":
        return
    import ctypes

    closing = frozenset({2, 5, 6})  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT

    @ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
    def handler(event: int) -> int:
        if event not in closing:
            return 0
        signals.receive(signal.SIGBREAK)
        signals.wait_until_over(4.5)  # Windows ends the process after five seconds, or when this returns
        return 1

    _kept.append(handler)  # Windows has its address
    ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, 1)


_kept: list[Any] = []
