"""The history: every finished picture with its parameters, and the search through them."""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.application.database import Database, storable
from modules.application.jobs.job import GenerationJob, Job
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.generation.result import FinishedImage
from modules.infotext.parse import parse

TAG = re.compile(r"<(?:lora|lyco|hypernet):([^:>]+)")
_WORD = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, kw_only=True)
class HistoryImage:
    """A picture of the history. `path` is None when it was not saved; `created` is in seconds since 1970."""

    number: int
    id: str
    job: str
    kind: str
    created: float
    path: Path | None
    width: int
    height: int
    seed: int
    subseed: int
    prompt: str
    negative_prompt: str
    model: str
    model_hash: str
    networks: tuple[str, ...]
    infotext: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to look for; everything given must hold. `text` is words, any of which may be cut short, or "a phrase".

    `model` and `network` are parts of names, `since` and `until` seconds since 1970, `saved` whether there is a file.
    """

    text: str = ""
    model: str = ""
    network: str = ""
    seed: int | None = None
    job: str = ""
    kind: str = ""
    since: float | None = None
    until: float | None = None
    saved: bool | None = None


class History:
    """The table of pictures. Paths below the data folder are kept relative to it, so that it can be moved."""

    def __init__(self, database: Database, data: Path) -> None:
        self.database, self._data = database, data

    def add(self, job: Job[Any], images: Sequence[FinishedImage]) -> list[str]:
        """Add finished pictures, those with a file after it is written. Gives their ids."""
        rows = [history_row(job, image, self._data) for image in images]
        self.insert(rows)
        return [row[0] for row in rows]

    def insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows as `history_row` makes them."""
        with self.database.change() as write:
            write.executemany(
                "INSERT INTO images (id, job, kind, created, path, width, height, seed, subseed, prompt,"
                " negative_prompt, model, model_hash, networks, infotext)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def find(self, image_id: str) -> HistoryImage | None:
        """The picture with this id."""
        found = self.database.rows("SELECT * FROM images WHERE id = ?", (image_id,))
        return self._image(found[0]) if found else None

    def of_job(self, job_id: str) -> list[HistoryImage]:
        """The pictures of a job, in the order in which they were finished."""
        return [
            self._image(row)
            for row in self.database.rows("SELECT * FROM images WHERE job = ? ORDER BY number", (job_id,))
        ]

    def search(self, search: Search, *, before: int | None = None, limit: int = 50) -> list[HistoryImage]:
        """What fits, newest first, older than picture number `before`."""
        where, values = _conditions(search)
        if before is not None:
            where, values = [*where, "images.number < ?"], [*values, before]
        query = f"SELECT images.* FROM images {_clause(where)} ORDER BY images.number DESC LIMIT ?"
        return [self._image(row) for row in self.database.rows(query, (*values, limit))]

    def count(self, search: Search) -> int:
        """How many pictures fit."""
        where, values = _conditions(search)
        return int(self.database.rows(f"SELECT count(*) AS n FROM images {_clause(where)}", values)[0]["n"])

    def forget(self, image_id: str) -> bool:
        """Take a picture out of the history; its file stays."""
        with self.database.change() as write:
            return write.execute("DELETE FROM images WHERE id = ?", (image_id,)).rowcount > 0

    def _image(self, row: sqlite3.Row) -> HistoryImage:
        given: dict[str, Any] = {name: row[name] for name in HistoryImage.__dataclass_fields__}
        given["path"] = None if row["path"] is None else self._data / row["path"]
        given["seed"], given["subseed"] = _whole(row["seed"]), _whole(row["subseed"])
        given["networks"] = tuple(row["networks"].split("\n")) if row["networks"] else ()
        return HistoryImage(**given)


def history_row(job: Job[Any], image: FinishedImage, data: Path) -> tuple[Any, ...]:
    """What the history keeps of a finished picture, by the names of `History.insert`; `data` is the data folder."""
    fields = parse(image.infotext).fields
    model = fields.get("Model") or (job.checkpoint or "" if isinstance(job, GenerationJob) else "")
    networks = dict.fromkeys(TAG.findall(f"{image.prompt} {image.negative_prompt}"))
    return (
        *(secrets.token_hex(12), job.id, image.kind, time.time(), stored_path(image.path, data)),
        *(image.image.width, image.image.height, str(image.seed), str(image.subseed)),
        *map(storable, (image.prompt, image.negative_prompt, model, fields.get("Model hash", ""))),
        *map(storable, ("\n".join(networks), image.infotext)),
    )


def stored_path(path: Path | None, data: Path) -> str | None:
    """How a path is kept: relative to the data folder where it lies in there."""
    if path is None:
        return None
    path = path.absolute()
    return path.relative_to(data).as_posix() if path.is_relative_to(data) else str(path)


def _whole(text: str) -> int:
    """A seed as it is kept; -1 for what damage has made of it."""
    try:
        return int(text)
    except ValueError:
        return -1


def from_file(kept: HistoryImage) -> FinishedImage | None:
    """A kept picture as it was when it was finished; None when its file is gone or cannot be read."""
    if kept.path is None:
        return None
    try:
        with open_picture(kept.path) as image:
            image.load()
    except UNREADABLE:
        return None
    return FinishedImage(
        image=image,
        infotext=kept.infotext,
        seed=kept.seed,
        subseed=kept.subseed,
        prompt=kept.prompt,
        negative_prompt=kept.negative_prompt,
        kind=kept.kind,
        path=kept.path,
    )


def match_expression(text: str) -> str:
    """What people type into a search box in FTS5's words: each word may go on, "a phrase" may not.

    >>> match_expression('red "a cat" (moon')
    '"red"* AND "a cat" AND "(moon"*'
    """
    terms = [
        f'"{phrase}"' if phrase else '"' + word.replace('"', "") + '"*'
        for phrase, word in _WORD.findall(storable(text))
    ]
    return " AND ".join(term for term in terms if any(letter.isalnum() for letter in term))


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []

    def add(condition: str, *value: Any) -> None:
        where.append(condition)
        values.extend(value)

    if expression := match_expression(search.text):
        add("images.number IN (SELECT rowid FROM images_text WHERE images_text MATCH ?)", expression)
    if search.model:
        add("(images.model LIKE ? ESCAPE '\\' OR images.model_hash = ?)", _part(search.model), search.model)
    if search.network:
        add("images.networks LIKE ? ESCAPE '\\'", _part(search.network))
    for column, value in (("seed", search.seed), ("job", search.job), ("kind", search.kind)):
        if value not in (None, ""):
            add(f"images.{column} = ?", str(value))
    if search.since is not None:
        add("images.created >= ?", search.since)
    if search.until is not None:
        add("images.created < ?", search.until)
    if search.saved is not None:
        add(f"images.path IS {'NOT ' if search.saved else ''}NULL")
    return where, values


def _clause(where: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(where)}" if where else ""


def _part(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
