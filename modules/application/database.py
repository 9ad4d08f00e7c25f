"""easel.sqlite: the file of jobs and history, its form, and the two connections to it."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

VERSIONS = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE pictures (hash TEXT PRIMARY KEY, file BLOB NOT NULL);
    CREATE TABLE settings_values (hash TEXT PRIMARY KEY, value TEXT NOT NULL);

    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, title TEXT NOT NULL, lane TEXT NOT NULL, source TEXT NOT NULL, owner TEXT NOT NULL,
        state TEXT NOT NULL, priority INTEGER NOT NULL, place INTEGER NOT NULL, attempts INTEGER NOT NULL,
        created REAL NOT NULL, started REAL, finished REAL,
        checkpoint TEXT, standing TEXT, request TEXT, settings TEXT, chosen_seeds TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX jobs_by_state ON jobs (state, number);

    CREATE TABLE standing_jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
        state TEXT NOT NULL, title TEXT NOT NULL, priority INTEGER NOT NULL,
        created REAL NOT NULL, finished REAL,
        checkpoint TEXT, request TEXT NOT NULL, settings TEXT NOT NULL,
        seeds TEXT NOT NULL, most_pictures INTEGER, most_seconds REAL, least_free_bytes INTEGER NOT NULL,
        started INTEGER NOT NULL DEFAULT 0, made INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT ''
    );

    CREATE TABLE held_pictures (holder TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (holder, hash)) WITHOUT ROWID;
    CREATE INDEX held_pictures_by_hash ON held_pictures (hash);

    CREATE TABLE images (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        job TEXT NOT NULL, kind TEXT NOT NULL, created REAL NOT NULL, path TEXT,
        width INTEGER NOT NULL, height INTEGER NOT NULL, seed TEXT NOT NULL, subseed TEXT NOT NULL,
        prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL,
        model TEXT NOT NULL, model_hash TEXT NOT NULL, networks TEXT NOT NULL, infotext TEXT NOT NULL
    );
    CREATE INDEX images_by_job ON images (job);
    CREATE INDEX images_by_created ON images (created);
    CREATE INDEX images_by_seed ON images (seed);
    CREATE INDEX images_by_model ON images (model COLLATE NOCASE);

    CREATE VIRTUAL TABLE images_text USING fts5 (
        prompt, negative_prompt, model, networks,
        content = 'images', content_rowid = 'number', tokenize = 'unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER images_added AFTER INSERT ON images BEGIN
        INSERT INTO images_text (rowid, prompt, negative_prompt, model, networks)
        VALUES (new.number, new.prompt, new.negative_prompt, new.model, new.networks);
    END;
    CREATE TRIGGER images_removed AFTER DELETE ON images BEGIN
        INSERT INTO images_text (images_text, rowid, prompt, negative_prompt, model, networks)
        VALUES ('delete', old.number, old.prompt, old.negative_prompt, old.model, old.networks);
    END;
    """,
)
"""What makes version n of version n-1, for n = 1, 2, ...; never changed once released, only added to."""


class Database:
    """One connection that writes and one that reads, each with its lock; readers do not wait for the writer (WAL).

    Opening makes or upgrades the file. One that is no database, or a damaged one, is moved aside as
    `easel.sqlite.broken`, with a warning. Raises sqlite3.Error when the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._writer = _opened(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # no room, no permission: the file itself may be sound
                raise
            aside = _move_aside(path)
            log.warning("%s is damaged (%s). It was moved to %s; jobs and history begin anew.", path, error, aside)
            self._writer = _opened(path)
        self._reader = _connected(path)
        self._reader.execute("PRAGMA query_only = ON")
        self._writing, self._reading = threading.RLock(), threading.Lock()

    @contextlib.contextmanager
    def change(self) -> Generator[sqlite3.Connection]:
        """A transaction: everything in the block is kept, on the disk when it ends, or nothing when it raises."""
        with self._writing:
            if self._writer.in_transaction:  # part of the caller's own
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query gives."""
        with self._reading:
            return self._reader.execute(query, values).fetchall()

    def fact(self, name: str) -> str | None:
        """A remembered word."""
        found = self.rows("SELECT value FROM facts WHERE name = ?", (name,))
        return found[0]["value"] if found else None

    def remember(self, name: str, value: str) -> None:
        """Remember `value` as `name`."""
        with self.change() as write:
            write.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close both connections; the write-ahead log goes into the file."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
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
        _upgrade(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == len(VERSIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)  # once more: another Easel may have come first
        if found > len(VERSIONS):
            raise sqlite3.OperationalError(f"{path} was written by a newer Easel (form {found}).")
        for number in range(found, len(VERSIONS)):
            for statement in _statements(VERSIONS[number]):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(VERSIONS)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would end the transaction around them."""
    statements: list[str] = []
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            statements.append(gathered)
            gathered = ""
    return statements


def _move_aside(path: Path) -> Path:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    aside = path.with_name(path.name + ".broken")
    path.replace(aside)
    return aside


def storable(text: str) -> str:
    """`text` without what SQLite's texts cannot hold or search: half an emoji, NUL."""
    return (
        text.encode("utf-8", "replace").decode().replace("\x00", "") if not text.isascii() or "\x00" in text else text
    )
