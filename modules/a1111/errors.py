"""What stands in `modules.errors`: how extensions tell of what went wrong."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable

log = logging.getLogger("modules.a1111.extensions")

exception_records: list[tuple[str, str]] = []
"""The last errors that extensions told of: what they said, and where."""

KEPT = 5
_displayed: set[str] = set()


def _record() -> None:
    kind, error, _ = sys.exc_info()
    if kind is not None:
        exception_records.append((str(error), traceback.format_exc()))
        del exception_records[:-KEPT]


def report(message: str, *, exc_info: bool = False) -> None:
    """Write a message into the log, with the error at hand if that is wished."""
    if exc_info:
        _record()
    log.error("%s", message, exc_info=exc_info)


def display(e: BaseException, task: str, *, full_traceback: bool = False) -> None:
    """Write an error that happened in `task` into the log."""
    _record()
    log.error("%s: %s: %s", task or "error", type(e).__name__, e, exc_info=e)


def display_once(e: BaseException, task: str) -> None:
    """The same, once for each task."""
    if task not in _displayed:
        _displayed.add(task)
        display(e, task)


def print_error_explanation(message: str) -> None:
    """Write an explanation into the log."""
    log.error("%s", message)


def run(code: Callable[[], object], task: str) -> None:
    """Call something; what it raises is logged."""
    try:
        code()
    except Exception:  # the boundary of an extension
        _record()
        log.exception("%s", task)


def get_exceptions() -> list[tuple[str, str]]:
    """The last errors, newest first."""
    return list(reversed(exception_records))


def check_versions() -> None:
    """Nothing: Easel's environment has the versions that it was made with."""
