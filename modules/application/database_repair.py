"""A damaged easel.sqlite: found by a check, set aside, and what can still be read of it taken over."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

TABLES = ("facts", "settings_values", "pictures", "jobs", "standing_jobs", "held_pictures", "images")

_INSTRUCTIONS = 20_000
"""Steps of SQLite's machine between two looks at the clock."""


def is_damage(error: BaseException) -> bool:
    """Whether it says that the file is no sound database; errors with their own class say other things."""
    return type(error) is sqlite3.DatabaseError


def check(connection: sqlite3.Connection, stop: Callable[[], bool]) -> bool:
    """Look through the whole file until `stop()`. False when that came first.

    Raises sqlite3.DatabaseError with the first thing that is wrong.
    """
    connection.set_progress_handler(stop, _INSTRUCTIONS)
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return False
        raise
    finally:
        connection.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise sqlite3.DatabaseError(" ".join(found[0].split()))
    return True


def check_for(connection: sqlite3.Connection, seconds: float) -> bool:
    """`check` for so many seconds at most."""
    until = time.monotonic() + seconds
    return check(connection, lambda: time.monotonic() > until)


def set_aside(path: Path) -> Path:
    """Give a damaged file, with its log of writes, another name that no file has yet."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken{f'-{number}' if number > 1 else ''}")).exists():
        number += 1
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    path.replace(aside)
    return aside


def salvage(broken: Path, fresh: sqlite3.Connection) -> int:
    """Copy every row that can still be read into the `fresh` database. Gives how many those were."""
    source = sqlite3.connect(broken, timeout=1, isolation_level=None)
    source.text_factory = lambda data: data.decode("utf-8", "replace")
    copied = 0
    try:
        for table in TABLES:
            columns = ", ".join(_columns(fresh, table, _columns(source, table)))
            # From both ends, since reading stops where the damage is.
            for order in ("", "DESC"):
                copied += _copy(source, fresh, table, columns, order)
    finally:
        with contextlib.suppress(sqlite3.Error):
            source.close()
    return copied


def _columns(connection: sqlite3.Connection, table: str, among: Sequence[str] = ()) -> list[str]:
    """The columns of a table, those `among` these where any are given: a file of an older form has fewer of them."""
    try:
        names = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
    except sqlite3.DatabaseError:
        return []
    return [name for name in names if name in among or not among]


def _copy(source: sqlite3.Connection, fresh: sqlite3.Connection, table: str, columns: str, order: str) -> int:
    key = {"facts": "name", "held_pictures": "holder"}.get(table, "rowid")
    places = ", ".join("?" * (columns.count(",") + 1))
    copied = 0
    fresh.execute("BEGIN IMMEDIATE")
    try:
        for row in source.execute(f"SELECT {columns} FROM {table} ORDER BY {key} {order}"):
            with contextlib.suppress(sqlite3.IntegrityError):  # a row that damage has made nonsense of
                copied += fresh.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})", row).rowcount
    except sqlite3.DatabaseError as error:
        log.debug("%s can be read as far as row %d: %s", table, copied, error)
    finally:
        fresh.execute("COMMIT")
    return copied
