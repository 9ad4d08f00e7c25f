"""The history: every finished picture with its parameters, and the search through them."""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modules.application.database import Database, storable
from modules.application.history_search import Search, conditions, where_clause
from modules.application.jobs.job import AnyJob, GenerationJob
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage
from modules.imaging.pixel_hash import pixel_hash
from modules.infotext.parse import parse

_TAG = re.compile(r"<(?:lora|lyco|hypernet):([^:>]+)")

COLUMNS = (
    *("id", "job", "kind", "created", "path", "width", "height", "seed", "subseed", "prompt", "negative_prompt"),
    *("model", "model_hash", "networks", "infotext", "sampler", "pixels"),
)
"""What is kept of a picture when it is finished, in the order of `history_row`."""

MOST_RATING = 5

AT_ONCE = 500
"""Numbers in one statement; SQLite takes some ten thousand."""

MOST_OFFERED = 500
"""Names of models, samplers and networks that are told for the filters, the most used first."""


Counted = Literal["model", "sampler", "networks", "rating", "mark", "favourite"]
"""The columns by which pictures are counted."""


@dataclass(frozen=True, kw_only=True)
class HistoryImage:
    """A picture of the history. `path` is None when it was not saved; `created` is in seconds since 1970.

    `rating` is 0 (none) to 5, `mark` a word of the user's own. `trashed` is when it came into the trash, None while it
    is not there.
    """

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
    sampler: str = ""
    rating: int = 0
    favourite: bool = False
    mark: str = ""
    trashed: float | None = None


class History:
    """The table of pictures. Paths below the data folder are kept relative to it, so that it can be moved."""

    def __init__(self, database: Database, data: Path) -> None:
        self.database, self.data = database, data

    def add(self, job: AnyJob, images: Sequence[FinishedImage]) -> list[str]:
        """Add finished pictures, those with a file after it is written. Gives their ids."""
        rows = [history_row(job, image, self.data) for image in images]
        self.insert(rows)
        return [row[0] for row in rows]

    def insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Add rows as `history_row` makes them."""
        with self.database.change() as write:
            places = ", ".join("?" * len(COLUMNS))
            write.executemany(f"INSERT INTO images ({', '.join(COLUMNS)}) VALUES ({places})", rows)

    def note_path(self, image_id: str, path: Path) -> None:
        """A picture that was in no file is in this one now."""
        with self.database.change() as write:
            write.execute("UPDATE images SET path = ? WHERE id = ?", (stored_path(path, self.data), image_id))

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
        where, values = conditions(search)
        if before is not None:
            where, values = [*where, "images.number < ?"], [*values, before]
        query = f"SELECT images.* FROM images {where_clause(where)} ORDER BY images.number DESC LIMIT ?"
        return [self._image(row) for row in self.database.rows(query, (*values, limit))]

    def count(self, search: Search) -> int:
        """How many pictures fit the search."""
        where, values = conditions(search)
        return int(self.database.rows(f"SELECT count(*) AS n FROM images {where_clause(where)}", values)[0]["n"])

    def numbers(self, search: Search) -> list[int]:
        """The numbers of all that fit, newest first: what a list needs to know where everything stands."""
        where, values = conditions(search)
        query = f"SELECT images.number FROM images {where_clause(where)} ORDER BY images.number DESC"
        return [row[0] for row in self.database.rows(query, values)]

    def counts(self, search: Search, column: Counted) -> list[tuple[str, int]]:
        """How many of what fits have which model, sampler, rating or mark; the most frequent first."""
        where, values = conditions(search)
        query = (
            f"SELECT {column} AS name, count(*) AS n FROM images {where_clause(where)} GROUP BY 1 ORDER BY n DESC, 1"
        )
        found = [
            (str(row["name"]), int(row["n"])) for row in self.database.rows(f"{query} LIMIT {MOST_OFFERED}", values)
        ]
        return _each_network(found) if column == "networks" else found

    def with_numbers(self, numbers: Sequence[int]) -> Iterator[HistoryImage]:
        """The pictures with these numbers, in their order; what is not there is passed over."""
        for some in _parts(numbers):
            query = f"SELECT * FROM images WHERE number IN ({', '.join('?' * len(some))})"
            found = {int(row["number"]): self._image(row) for row in self.database.rows(query, some)}
            yield from (found[number] for number in some if number in found)

    def with_pixels(self, pixels: str) -> HistoryImage | None:
        """The newest picture whose pixels have this hash (see `pixel_hash.py`)."""
        found = self.database.rows("SELECT * FROM images WHERE pixels = ? ORDER BY number DESC LIMIT 1", (pixels,))
        return self._image(found[0]) if found else None

    def at_path(self, path: Path) -> HistoryImage | None:
        """The picture that lies at `path`."""
        query = "SELECT * FROM images WHERE path = ? ORDER BY number DESC LIMIT 1"
        found = self.database.rows(query, (stored_path(path, self.data),))
        return self._image(found[0]) if found else None

    def home_of(self, image: HistoryImage) -> Path | None:
        """Where a picture of the trash lay before."""
        found = self.database.rows("SELECT home FROM images WHERE id = ?", (image.id,))
        return self.data / found[0]["home"] if found and found[0]["home"] else None

    def change(self, numbers: Sequence[int], values: Mapping[str, object]) -> int:
        """Set columns of pictures: rating, favourite, mark, or where they lie. Gives how many there were."""
        assigned, changed = ", ".join(f"{name} = ?" for name in values), 0
        with self.database.change() as write:
            for some in _parts(numbers):
                query = f"UPDATE images SET {assigned} WHERE number IN ({', '.join('?' * len(some))})"
                changed += write.execute(query, (*values.values(), *some)).rowcount
        return changed

    def forget(self, image_id: str) -> bool:
        """Take a picture out of the history; its file stays."""
        with self.database.change() as write:
            return write.execute("DELETE FROM images WHERE id = ?", (image_id,)).rowcount > 0

    def _image(self, row: sqlite3.Row) -> HistoryImage:
        values: JsonObject = {name: row[name] for name in HistoryImage.__dataclass_fields__}
        values["path"] = None if row["path"] is None else self.data / row["path"]
        values["seed"], values["subseed"] = _whole(row["seed"]), _whole(row["subseed"])
        values["networks"] = tuple(row["networks"].split("\n")) if row["networks"] else ()
        values["favourite"] = bool(row["favourite"])
        return HistoryImage(**values)


def history_row(job: AnyJob, image: FinishedImage, data: Path) -> tuple[Any, ...]:
    """What the history keeps of a finished picture, by `COLUMNS`; `data` is the data folder."""
    fields = parse(image.infotext).fields
    model = fields.get("Model") or (job.checkpoint or "" if isinstance(job, GenerationJob) else "")
    return (
        *(secrets.token_hex(12), job.id, image.kind, time.time(), stored_path(image.path, data)),
        *(image.image.width, image.image.height, str(image.seed), str(image.subseed)),
        *_words(image.prompt, image.negative_prompt, model, image.infotext, fields),
        _pixels(image),
    )


def file_row(
    path: Path, infotext: str, size: tuple[int, int], data: Path, *, written: float, pixels: str | None, job: str = ""
) -> tuple[Any, ...]:
    """What the history keeps of a picture that lies in a folder, by `COLUMNS`; `written` is when it was made."""
    parsed = parse(infotext)
    fields = parsed.fields
    seeds = (str(_whole(fields.get(name, ""))) for name in ("Seed", "Variation seed"))
    return (
        *(secrets.token_hex(12), job, "grid" if path.stem.startswith("grid") else "sample"),
        *(written, stored_path(path, data), *size, *seeds),
        *_words(parsed.prompt, parsed.negative_prompt, fields.get("Model", ""), infotext, fields),
        pixels,
    )


def _words(prompt: str, negative_prompt: str, model: str, infotext: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    networks = dict.fromkeys(_TAG.findall(f"{prompt} {negative_prompt}"))
    texts = (prompt, negative_prompt, model, fields.get("Model hash", ""), "\n".join(networks), infotext)
    return (*map(storable, texts), storable(fields.get("Sampler", "")))


def _pixels(image: FinishedImage) -> str | None:
    """The hash of a picture as it will be read from its file; what JPEG changes is changed in there."""
    if image.path is None or image.path.suffix.lower() == ".png":
        return pixel_hash(image.image)
    try:
        with open_picture(image.path) as read:
            return pixel_hash(read)
    except UNREADABLE:
        return None


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))


def _each_network(counted: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Counts by network, from counts by all networks of a picture."""
    counts = dict[str, int]()
    for names, count in counted:
        for name in filter(None, names.split("\n")):
            counts[name] = counts.get(name, 0) + count
    return sorted(counts.items(), key=lambda item: -item[1])


def stored_path(path: Path | None, data: Path) -> str | None:
    """How a path is kept: relative to the data folder where it lies in there."""
    if path is None:
        return None
    path = path.absolute()
    return path.relative_to(data).as_posix() if path.is_relative_to(data) else str(path)


def _whole(text: str) -> int:
    """A seed as it is kept; -1 for what is none, or what damage has made of it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else -1


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
