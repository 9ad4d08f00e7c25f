"""easel.sqlite: the file of jobs and history, and the two connections to it."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import NoReturn

from modules.application.database_repair import check, check_for, is_damage, salvage, set_aside
from modules.application.database_schema import VERSIONS, upgrade
from modules.foundation.errors import RequestError, StorageBusy, StorageError

__all__ = ["VERSIONS", "Database", "storable", "storage_error"]

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds for which a client's change waits for another program that writes to the file."""

BUSY_SECONDS = 0.1
"""Seconds of that for which our own lock is held."""

CHECK_SECONDS = 0.5
"""Seconds that looking through the file may take when it is opened; what is left is done beside everything else."""


class Database:
    """One connection that writes and one that reads, each with its lock; readers do not wait for the writer (WAL).

    Opening makes or upgrades the file and looks through it, at most for a moment; what is left is looked through on a
    thread. A damaged file, found so or while it is used, is set aside as `easel.sqlite.broken`, what can still be read
    of it is taken over, and `on_replaced` is called, on a thread of its own. Raises sqlite3.Error when the file cannot
    be opened.
    """

    def __init__(self, path: Path, on_replaced: Callable[[], None] = lambda: None) -> None:
        self.path, self._on_replaced = path, on_replaced
        self._writing, self._reading = threading.RLock(), threading.Lock()
        self._closed = threading.Event()
        self._open()

    @contextlib.contextmanager
    def change(self, patience: float = PATIENCE) -> Generator[sqlite3.Connection]:
        """A transaction: everything in the block is kept, on the disk when it ends, or nothing when it raises.

        Another program that writes is waited for, `patience` seconds at most, without keeping our own readers and
        writers waiting. Raises StorageError where nothing can be written now.
        """
        if not self._begin(patience):  # part of the caller's own
            try:
                yield self._writer
            finally:
                self._writing.release()
            return
        writer = self._writer
        try:
            yield writer
            writer.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                writer.execute("ROLLBACK")
            self._raise(error, writer)
        finally:
            self._writing.release()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """What a query gives. Raises StorageError where nothing can be read now."""
        for last in (False, True):
            with self._reading:
                reader = self._reader
                try:
                    return reader.execute(query, values).fetchall()
                except (sqlite3.DatabaseError, OverflowError) as error:
                    problem: BaseException = error
            explained = self._explained(problem, reader)
            if last or reader is self._reader:
                raise explained from (problem if explained is not problem else None)
        raise AssertionError  # the file was damaged, and so was the one in its place

    def fact(self, name: str) -> str | None:
        """The text remembered under `name`; None if there is none."""
        found = self.rows("SELECT value FROM facts WHERE name = ?", (name,))
        return found[0]["value"] if found else None

    def remember(self, name: str, value: str) -> None:
        """Remember `value` as `name`."""
        with self.change() as write:
            write.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close both connections; the write-ahead log goes into the file."""
        self._closed.set()
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def _begin(self, patience: float) -> bool:
        """Take the lock of writers and begin; False when this thread is in a transaction already."""
        until = time.monotonic() + patience
        while True:
            self._writing.acquire()
            try:
                if self._writer.in_transaction:
                    return False
                self._writer.execute("BEGIN IMMEDIATE")
                return True
            except BaseException as error:
                self._writing.release()
                if not _is_busy(error) or time.monotonic() >= until:
                    self._raise(error, self._writer)
            time.sleep(0.02)

    def _raise(self, error: BaseException, connection: sqlite3.Connection) -> NoReturn:
        explained = self._explained(error, connection)
        raise explained from (error if explained is not error else error.__cause__)

    def _explained(self, error: BaseException, connection: sqlite3.Connection) -> BaseException:
        """What to raise for `error`.

        For a damaged or full file that is a StorageError, for a number that SQLite does not have a RequestError, else
        the error itself.
        """
        if isinstance(error, OverflowError) and "SQLite" in str(error):
            return RequestError(f"A number is too large to be looked for or kept: {error}.")
        if is_damage(error):
            self._replace(error, connection)
            return StorageError(f"{self.path} was damaged and has been replaced; what was asked has to be done again.")
        return storage_error(self.path, error) or error

    # Damage

    def _open(self) -> None:
        aside: Path | None = None
        try:
            self._writer = _opened(self.path)
            try:
                complete = check_for(self._writer, CHECK_SECONDS)
            except BaseException:
                self._writer.close()
                raise
        except sqlite3.DatabaseError as error:
            if not is_damage(error):  # no room, no permission: the file itself may be sound
                raise
            aside, complete = self._begin_again(error), True
        self._reader = _for_reading(self.path)
        if not complete:
            threading.Thread(target=self._check_on, name="database check", daemon=True).start()
        if aside is not None:
            threading.Thread(target=self._on_replaced, name="database replaced", daemon=True).start()

    def _begin_again(self, error: BaseException) -> Path:
        aside = set_aside(self.path)
        self._writer = _opened(self.path)
        copied = 0
        with contextlib.suppress(sqlite3.Error):
            copied = salvage(aside, self._writer)
        log.warning(
            "%s is damaged (%s). It was moved to %s; %d rows of jobs and history could be taken over.",
            *(self.path, error, aside, copied),
        )
        return aside

    def _replace(self, error: BaseException, connection: sqlite3.Connection) -> None:
        """Begin again in place of the file that `connection` has found damaged, unless that has been done."""
        with self._writing, self._reading:
            if self._closed.is_set() or connection not in (self._reader, self._writer):
                return
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CORRUPT_VTAB and self._search_rebuilt():
                self._reader.close()
                self._reader = _for_reading(self.path)
                return
            for each in (self._reader, self._writer):
                with contextlib.suppress(sqlite3.Error):
                    each.close()
            self._begin_again(error)
            self._reader = _for_reading(self.path)
        threading.Thread(target=self._on_replaced, name="database replaced", daemon=True).start()

    def _search_rebuilt(self) -> bool:
        """Whether damage to the index of words alone could be mended."""
        try:
            self._writer.execute("INSERT INTO images_text (images_text) VALUES ('rebuild')")
        except sqlite3.Error:
            return False
        log.warning("The search of the history was damaged and has been built again.")
        return True

    def _check_on(self) -> None:
        """Look through all of a large file, beside whatever else is done with it."""
        connection = _connected(self.path)
        try:
            check(connection, self._closed.is_set)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                self._replace(error, self._writer)
        finally:
            connection.close()


def storage_error(path: Path, error: BaseException) -> StorageError | None:
    """What an error of SQLite means to a person, where it is about the disk or about other programs."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageBusy(f"Another program holds {path}; it is tried again. Close whatever has opened that file.")
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"The disk of {path} is full; jobs cannot be kept. Make room: Easel goes on by itself.")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageError(
            f"{path} cannot be written ({error}), so that jobs cannot be kept. Make room on its disk, or make the "
            "folder writable: Easel goes on by itself."
        )
    return None


def _is_busy(error: BaseException) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    # Bytes that damage, or another program, left in a text are no reason to read nothing.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _for_reading(path: Path) -> sqlite3.Connection:
    connection = _connected(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connected(path)
    try:
        # Pages of pictures that are no longer needed go back to the disk.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was committed survives a power cut too. One fsync a commit is little beside a picture.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        upgrade(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def storable(text: str) -> str:
    """`text` without what SQLite's texts cannot hold or search: half an emoji, NUL."""
    return (
        text.encode("utf-8", "replace").decode().replace("\x00", "") if not text.isascii() or "\x00" in text else text
    )
