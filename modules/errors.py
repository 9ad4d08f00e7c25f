"""Doorway: `modules.errors`."""

from __future__ import annotations

from modules.a1111.errors import (
    check_versions,
    display,
    display_once,
    exception_records,
    get_exceptions,
    print_error_explanation,
    report,
    run,
)

__all__ = [
    "check_versions",
    "display",
    "display_once",
    "exception_records",
    "get_exceptions",
    "print_error_explanation",
    "report",
    "run",
]
