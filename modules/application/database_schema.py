"""The tables of easel.sqlite, version by version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

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
    # Marks that people set, the trash, pictures found by their pixels; and one index that answers every filter without
    # reading the rows, whose parameters are long.
    """
    ALTER TABLE images ADD COLUMN sampler TEXT NOT NULL DEFAULT '';
    ALTER TABLE images ADD COLUMN pixels TEXT;
    ALTER TABLE images ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE images ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE images ADD COLUMN mark TEXT NOT NULL DEFAULT '';
    ALTER TABLE images ADD COLUMN trashed REAL;
    ALTER TABLE images ADD COLUMN home TEXT;
    UPDATE images SET sampler = substr(infotext, instr(infotext, 'Sampler: ') + 9, instr(
        substr(infotext, instr(infotext, 'Sampler: ') + 9) || ',', ',') - 1) WHERE instr(infotext, 'Sampler: ') > 0;
    CREATE INDEX images_by_pixels ON images (pixels) WHERE pixels IS NOT NULL;
    CREATE INDEX images_by_path ON images (path);
    CREATE INDEX images_filtered ON images (
        trashed, number, kind, model, model_hash, networks, sampler, width, height, rating, favourite, mark, seed,
        created
    );
    """,
)
"""What makes version n of version n-1, for n = 1, 2, ...; never changed once released, only added to."""


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of this version, or what is missing of them. Raises sqlite3.Error."""
    if _version(connection) == len(VERSIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)  # once more: another Easel may have come first
        if found > len(VERSIONS) + 1000:
            raise sqlite3.DatabaseError(f"it says to be of form {found}")
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
