"""An Easel that ends as by `kill -9` at a chosen point: `python -m benchmarks.killed POINT TIMES [flags]`.

The point is laid around a function of the program from outside; the program itself is unaware of it.
"""

from __future__ import annotations

import functools
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

POINTS = (
    "before rename",
    "after rename",
    "before row",
    "after row",
    "before commit",
    "after commit",
    "merge",
    "download",
)


class Trap:
    """Ends the process when it is reached for the nth time."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> None:
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def lay(point: str, trap: Trap) -> None:
    """Have `trap()` called at `point`."""
    before = not point.startswith("after")
    if point.endswith("rename"):
        for name in ("link", "replace"):
            setattr(os, name, _around(getattr(os, name), trap, before, lambda target: target.suffix == ".png"))
    elif point == "merge":
        os.replace = _around(os.replace, trap, before, lambda target: target.suffix == ".safetensors")
    elif point.endswith("row"):
        from modules.application.history import History

        History.insert = _around(History.insert, trap, before)
    elif point.endswith("commit"):
        sqlite3.connect = functools.partial(sqlite3.connect, factory=_committing(trap, before))
    elif point == "download":
        from modules.application.downloads.transfer import Transfer

        name = "_write"
        setattr(Transfer, name, _around(getattr(Transfer, name), trap, before=False))
    else:
        raise SystemExit(f"There is no point {point!r}. Known: {', '.join(POINTS)}.")


def _around(
    function: Callable[..., Any], trap: Trap, before: bool, counts: Callable[[Path], bool] | None = None
) -> Callable[..., Any]:
    @functools.wraps(function)
    def trapped(*arguments: Any, **named: Any) -> Any:
        reached = counts is None or counts(Path(os.fspath(arguments[1])))
        if reached and before:
            trap()
        result = function(*arguments, **named)
        if reached and not before:
            trap()
        return result

    return trapped


def _committing(trap: Trap, before: bool) -> type[sqlite3.Connection]:
    class Committing(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            """As always, with the trap at each end of a transaction."""
            ends = sql == "COMMIT"
            if ends and before:
                trap()
            cursor = super().execute(sql, *values)
            if ends and not before:
                trap()
            return cursor

    return Committing


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    lay(sys.argv[1], Trap(int(sys.argv[2])))
    sys.argv = ["webui.py", *sys.argv[3:]]
    from webui import main

    sys.exit(main())
