"""A database that has no room left: SQLite is told that the file may have no more pages, and says what it says then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from modules.application.database import Database
from modules.foundation.errors import StorageError

LARGEST = 1_073_741_823
"""Pages that SQLite allows by default."""


@contextlib.contextmanager
def full(database: Database) -> Iterator[None]:
    """Leave `database` no room until the block ends."""
    _allow(database, 1)
    try:
        for size in (2000, 100, 10):  # what is left in half-used pages
            for number in range(10_000):
                try:
                    database.remember(f"filling {size} {number}", "x" * size)
                except StorageError:
                    break
        yield
    finally:
        _allow(database, LARGEST)


def _allow(database: Database, pages: int) -> None:
    with database.change() as write:
        write.execute(f"PRAGMA max_page_count = {pages}").fetchall()
