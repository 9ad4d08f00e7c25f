"""Imports hashes that A1111 (or an older Easel) computed of the same files, so that they are not computed again.

Two forms are known. A1111 keeps `{"mtime": ..., "sha256": ...}` by titles such as "checkpoint/name.safetensors": up to
1.7 in a file cache.json, then in databases of the library diskcache below cache/. Easel's own first release had JSON
files of `[size, mtime in nanoseconds, hash]` by path.
"""

from __future__ import annotations

import io
import logging
import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.request import pathname2url

from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import read_file
from modules.library.digests import Algorithm
from modules.library.facts import stamp_of
from modules.library.folders import Found
from modules.library.hashes import Hashes
from modules.library.index import FileIndex
from modules.library.names import plain

log = logging.getLogger(__name__)

CATEGORIES: Mapping[str, Algorithm] = {"hashes": "sha256", "hashes-addnet": "addnet"}
OWN: Mapping[str, Algorithm] = {"hashes.json": "sha256", "network-hashes.json": "addnet"}
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "checkpoint": ("checkpoint",),
    "vae": ("vae",),
    "lora": ("lora", "lyco", "lycoris"),
    "hypernetwork": ("hypernet",),
    "embedding": ("textual_inversion",),
}
"""How titles of each kind of file begin."""

TOLERANCE = 1e-3
"""Seconds between two writings of one modification time."""


@dataclass(frozen=True, kw_only=True)
class Titled:
    """A hash that A1111 stored under a title such as "checkpoint/name.safetensors"."""

    title: str
    algorithm: Algorithm
    mtime: float
    digest: str


def roots_of(data: Path, folders: Iterable[Path]) -> tuple[Path, ...]:
    """Where stores may lie: in the data folder, and in those that have the folders of models in their `models`."""
    above = [folder.parent.parent for folder in folders if folder.parent.name == "models"]
    above += [folder.parent for folder in folders if folder.name == "embeddings"]
    return tuple(dict.fromkeys((data, *above)))


def import_hashes(
    index: FileIndex, hashes: Hashes, roots: Sequence[Path], files: Mapping[str, Sequence[Found]]
) -> Mapping[Path, int]:
    """Take over what the stores below `roots` know of `files` (by kind). Returns how many hashes each store gave.

    A store is read again only when it, or what there is to find, has changed.
    """
    taken: dict[Path, int] = {}
    for root in roots:
        for name, algorithm in OWN.items():
            path = root / "cache" / name
            if _is_new(index, path, ()):
                taken[path] = hashes.remember(algorithm, _own(path))
        for path in (root / "cache.json", *(root / "cache" / name / "cache.db" for name in CATEGORIES)):
            if _is_new(index, path, [str(each) for group in files.values() for each in group]):
                titled = list(_from_json(path) if path.suffix == ".json" else _from_diskcache(path))
                taken[path] = _take(hashes, titled, files)
    for path, count in taken.items():
        if count:
            log.info("%d hashes of model files were taken over from %s", count, path)
    return taken


def _is_new(index: FileIndex, path: Path, sought: Sequence[str]) -> bool:
    stamp = stamp_of(path)
    if stamp is None:
        return False
    now = f"{stamp} {hash_of(sought)}"
    if index.imported(str(path)) == now:
        return False
    index.set_imported(str(path), now)
    return True


def hash_of(texts: Sequence[str]) -> str:
    """A short text that tells one list of texts from another."""
    import zlib

    return f"{zlib.crc32(chr(0).join(texts).encode()):08x}"


def _take(hashes: Hashes, titled: Sequence[Titled], files: Mapping[str, Sequence[Found]]) -> int:
    by_title = {(each.algorithm, each.title): each for each in titled}
    algorithms: set[Algorithm] = {each.algorithm for each in titled}
    found: dict[Algorithm, list[tuple[Path, str]]] = {algorithm: [] for algorithm in algorithms}
    for kind, group in files.items():
        for file in group:
            for algorithm in algorithms:
                titles = (by_title.get((algorithm, title)) for title in _titles(kind, file))
                match = next(filter(None, titles), None)
                if match is not None and _is_of(match, file):
                    found[algorithm].append((Path(file.path), match.digest))
    return sum(hashes.remember(algorithm, each) for algorithm, each in found.items())


def _titles(kind: str, file: Found) -> Iterator[str]:
    names = (file.relative, file.name, file.relative.rsplit(".", 1)[0], file.name.rsplit(".", 1)[0])
    return (plain(f"{prefix}/{name}") for prefix in PREFIXES.get(kind, ()) for name in names)


def _is_of(titled: Titled, file: Found) -> bool:
    stamp = stamp_of(file.path)
    return stamp is not None and abs(stamp[1] / 1e9 - titled.mtime) < TOLERANCE


def _own(path: Path) -> Iterator[tuple[Path, str]]:
    for name, entry in _json(path).items():
        if isinstance(entry, list) and len(entry) == 3 and stamp_of(name) == (entry[0], entry[1]):
            yield Path(name), str(entry[2])


def _from_json(path: Path) -> Iterator[Titled]:
    content = _json(path)
    for category, algorithm in CATEGORIES.items():
        table = content.get(category)
        for title, entry in table.items() if isinstance(table, dict) else ():
            yield from _titled(title, entry, algorithm)


def _json(path: Path) -> JsonObject:
    try:
        content = parse_json(read_file(path))
    except (OSError, ValueError) as error:
        log.warning("The hashes in %s cannot be read: %s", path, error)
        return {}
    return cast("JsonObject", content) if isinstance(content, dict) else {}


def _from_diskcache(path: Path) -> Iterator[Titled]:
    algorithm = CATEGORIES[path.parent.name]
    try:
        address = f"file:{pathname2url(str(path))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            # Small values are pickled into the table; large ones, which no hash is, lie in files.
            records = database.execute("SELECT key, value FROM Cache WHERE mode = 4 AND filename IS NULL").fetchall()
    except sqlite3.Error as error:
        log.warning("The hashes in %s cannot be read: %s", path, error)
        return
    for title, value in records:
        try:
            entry = _PlainUnpickler(io.BytesIO(value)).load()
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError):
            continue
        yield from _titled(title, entry, algorithm)


def _titled(title: object, entry: object, algorithm: Algorithm) -> Iterator[Titled]:
    if not (isinstance(title, str) and isinstance(entry, dict)):
        return
    said = cast("JsonObject", entry)
    mtime, digest = said.get("mtime"), said.get("sha256")
    if isinstance(mtime, int | float) and isinstance(digest, str) and len(digest) == 64:
        yield Titled(title=plain(title), algorithm=algorithm, mtime=float(mtime), digest=digest.lower())


class _PlainUnpickler(pickle.Unpickler):
    """Reads tables of text and numbers; nothing is imported."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not read")
