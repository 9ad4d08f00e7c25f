"""The index: one SQLite file that remembers what was found out about model files.

Losing it costs time, nothing else.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from modules.foundation.json_text import parse_json
from modules.library.facts import NOTHING, Facts, Row, Stamp

log = logging.getLogger(__name__)
T = TypeVar("T")

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    kind TEXT, path TEXT, size INTEGER, mtime INTEGER, inode INTEGER, version INTEGER, family TEXT, problem TEXT,
    alias TEXT, told_hash TEXT, old_hash TEXT, words TEXT, details TEXT, PRIMARY KEY (kind, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS metadata (kind TEXT, path TEXT, packed BLOB, PRIMARY KEY (kind, path));
CREATE TABLE IF NOT EXISTS hash (
    algorithm TEXT, path TEXT, size INTEGER, mtime INTEGER, inode INTEGER, digest TEXT,
    PRIMARY KEY (algorithm, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hash_by_inode ON hash (inode, size, mtime);
CREATE TABLE IF NOT EXISTS adopted (store TEXT PRIMARY KEY, stamp TEXT);
"""
PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""


class FileIndex:
    """Facts and hashes by path. Thread-safe; several processes may share the file.

    A file that is no database, or a damaged one, is made again with a warning. Where it cannot be written (a folder
    without rights, a full disk) everything still works and is forgotten at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._closed = self._complained = False
        self._own_changes = 0

    def rows(self, kind: str) -> dict[str, Row]:
        """What is known of the files of a kind, by path, without their metadata."""

        def read(database: sqlite3.Connection) -> dict[str, Row]:
            found = database.execute(
                "SELECT path, size, mtime, inode, version, family, problem, alias, told_hash, old_hash, words,"
                " details FROM file WHERE kind = ?",
                (kind,),
            )
            return {record[0]: _row(record[1:]) for record in found}

        return self._do(read, {})

    def put(self, kind: str, rows: Mapping[str, Row]) -> None:
        """Remember rows by path, all in one transaction."""
        files = [(kind, path, *row.stamp, row.inode, row.version, *_columns(row.facts)) for path, row in rows.items()]
        metadata = [(kind, path, _packed(row.facts.metadata)) for path, row in rows.items() if row.facts.metadata]

        def write(database: sqlite3.Connection) -> None:
            self._drop(database, kind, rows)
            database.executemany(f"INSERT INTO file VALUES ({', '.join('?' * 13)})", files)
            database.executemany("INSERT INTO metadata VALUES (?, ?, ?)", metadata)

        self._change(write)

    def forget(self, kind: str, paths: Iterable[str]) -> None:
        """Drop what is known of files that are gone. Their hashes stay: the disk they are on may come back."""
        self._change(lambda database: self._drop(database, kind, paths))

    def metadata(self, kind: str, path: str) -> Mapping[str, str]:
        """The free text of one file's header."""

        def read(database: sqlite3.Connection) -> Mapping[str, str]:
            found = database.execute("SELECT packed FROM metadata WHERE kind = ? AND path = ?", (kind, path)).fetchone()
            return _unpacked(found[0]) if found else NOTHING

        return self._do(read, NOTHING)

    def metadata_of(self, kind: str) -> dict[str, Mapping[str, str]]:
        """The free text of every file's header, by path."""

        def read(database: sqlite3.Connection) -> dict[str, Mapping[str, str]]:
            found = database.execute("SELECT path, packed FROM metadata WHERE kind = ?", (kind,))
            return {path: _unpacked(packed) for path, packed in found}

        return self._do(read, {})

    def hashes(self, algorithm: str) -> dict[str, tuple[Stamp, str]]:
        """Every hash of one algorithm by path, each with the stamp of the file it was computed of."""

        def read(database: sqlite3.Connection) -> dict[str, tuple[Stamp, str]]:
            found = database.execute("SELECT path, size, mtime, digest FROM hash WHERE algorithm = ?", (algorithm,))
            return {path: ((size, mtime), digest) for path, size, mtime, digest in found}

        return self._do(read, {})

    def put_hashes(self, algorithm: str, hashes: Iterable[tuple[str, Stamp, int, str]]) -> None:
        """Remember hashes, each of a path, with its stamp and inode."""
        records = [(algorithm, path, *stamp, inode, digest) for path, stamp, inode, digest in hashes]
        self._change(
            lambda database: database.executemany("INSERT OR REPLACE INTO hash VALUES (?, ?, ?, ?, ?, ?)", records)
        )
        with self._lock:
            self._own_changes += 1

    def hash_before_renaming(self, algorithm: str, stamp: Stamp, inode: int) -> Sequence[tuple[str, str]]:
        """Path and hash of files that had this inode, size and time under another name."""
        if not inode:
            return ()
        query = "SELECT path, digest FROM hash WHERE inode = ? AND size = ? AND mtime = ? AND algorithm = ?"
        return self._do(lambda database: database.execute(query, (inode, *stamp, algorithm)).fetchall(), [])

    def imported(self, store: str) -> str | None:
        """The stamp that a foreign store of hashes had when it was read, None if it never was."""

        def read(database: sqlite3.Connection) -> str | None:
            found = database.execute("SELECT stamp FROM adopted WHERE store = ?", (store,)).fetchone()
            return found[0] if found else None

        return self._do(read, None)

    def set_imported(self, store: str, stamp: str) -> None:
        """Note that a foreign store of hashes was read."""
        self._change(lambda database: database.execute("INSERT OR REPLACE INTO adopted VALUES (?, ?)", (store, stamp)))

    @property
    def hash_revision(self) -> tuple[int, int]:
        """A value that changes when a hash is put here, or anything by another process."""
        read: Callable[[sqlite3.Connection], int]
        read = lambda database: database.execute("PRAGMA data_version").fetchone()[0]  # noqa: E731
        return self._own_changes, self._do(read, 0)

    def close(self) -> None:
        """Let go of the file. What is asked afterwards is not known, what is told is forgotten."""
        with self._lock:
            self._closed = True
            self._let_go()

    # The database

    def _drop(self, database: sqlite3.Connection, kind: str, paths: Iterable[str]) -> None:
        keys = [(kind, path) for path in paths]
        for table in ("file", "metadata"):
            database.executemany(f"DELETE FROM {table} WHERE kind = ? AND path = ?", keys)

    def _change(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        def transaction(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            try:
                work(database)
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

        self._do(transaction, None)

    def _do(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            for _ in range(2):
                if self._closed:
                    break
                try:
                    return work(self._opened())
                except sqlite3.OperationalError as error:
                    self._complain(error)
                    break
                except sqlite3.DatabaseError as error:
                    self._remake(error)
        return otherwise

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._database = _patiently_connect(str(self.path))
            except (OSError, sqlite3.OperationalError) as error:
                self._complain(error)
                self._let_go()
                self._database = _connect(":memory:")
        return self._database

    def _remake(self, error: sqlite3.DatabaseError) -> None:
        log.warning("The index of model files %s is damaged (%s); it is made again.", self.path, error)
        self._let_go()
        for suffix in ("", "-wal", "-shm"):
            try:
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            except OSError as trouble:
                log.warning("%s cannot be removed: %s", self.path, trouble)

    def _let_go(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.warning("The index of model files %s cannot be used: %s", self.path, error)


def _patiently_connect(path: str) -> sqlite3.Connection:
    """Connect, and try again while another process makes the very same file: that cannot be waited for otherwise."""
    for _ in range(int(PATIENCE / 0.05)):
        try:
            return _connect(path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
    return _connect(path)


def _connect(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            # Written by another release: what it knew can be found out again.
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                database.execute(f'DROP TABLE IF EXISTS "{table}"')
        if version != SCHEMA_VERSION:
            database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def _row(record: Sequence[Any]) -> Row:
    size, mtime, inode, version, family, problem, alias, told_hash, old_hash, words, details = record
    return Row(
        stamp=(size, mtime),
        inode=inode,
        version=version,
        facts=Facts(
            family=family and sys.intern(family),
            problem=problem,
            alias=alias,
            told_hash=told_hash,
            old_hash=old_hash,
            words=words,
            details=_parsed(details) if details else NOTHING,
        ),
    )


def _columns(facts: Facts) -> tuple[str | None, ...]:
    columns = (facts.family, facts.problem, facts.alias, facts.told_hash, facts.old_hash, facts.words)
    return (*map(_whole, columns), json.dumps(dict(facts.details)) if facts.details else None)


def _packed(metadata: Mapping[str, str]) -> bytes:
    return zlib.compress(json.dumps(dict(metadata)).encode(), 1)


def _unpacked(packed: bytes) -> Mapping[str, str]:
    try:
        return _parsed(zlib.decompress(packed))
    except zlib.error as error:
        raise sqlite3.DatabaseError(f"metadata cannot be unpacked: {error}") from error


def _parsed(text: str | bytes) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise sqlite3.DatabaseError(f"what is known of a file cannot be read: {error}") from error


def _whole(text: str | None) -> str | None:
    """Text without halves of characters, which files' headers may have and no database takes."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
