"""Lists of model files of every kind, for clients: filtered, searched, sorted, a page at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from modules.foundation.plain import JsonMapping
from modules.library.collection import Entry
from modules.library.digests import SHORT, SHORT_NETWORK, Algorithm
from modules.library.facts import Facts, Row, Stamp, stamp_of
from modules.library.folders import Found, natural_key
from modules.library.library import Library
from modules.library.names import folded, plain
from modules.library.sidecars import description_of, is_preview_name, preview_of, user_metadata_of
from modules.text_encoders.textual_inversion import NO_EMBEDDING
from modules.upscalers.catalogue import UpscalerCatalogue

ModelKind = Literal["checkpoint", "vae", "lora", "hypernetwork", "embedding", "upscaler"]
KINDS: tuple[ModelKind, ...] = get_args(ModelKind)
NETWORKS = frozenset({"lora", "hypernetwork"})
SORTS = ("name", "path", "modified", "created", "size")


@dataclass(frozen=True, kw_only=True)
class ModelQuery:
    """What a client wants to see. Empty fields want everything; `broken` those with a problem, or those without."""

    kinds: Sequence[str] = KINDS
    query: str = ""
    family: str = ""
    broken: bool | None = None
    sort: str = "name"
    descending: bool = False
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One file. `hashes` holds those that are known, by name; `preview` is the picture's path."""

    kind: str
    name: str
    path: str
    folder: str
    alias: str | None
    size: int | None
    modified: float | None
    family: str | None
    problem: str | None
    details: Mapping[str, str]
    hashes: Mapping[str, str]
    preview: str | None
    description: str | None
    user_metadata: JsonMapping


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some of the files, and how many there are in all."""

    items: tuple[Listed, ...]
    total: int


@dataclass(kw_only=True)
class _Searchable:
    """The files of one kind as they were in one list, with the text in which each is searched."""

    entries: tuple[Entry, ...] = ()
    texts: list[str] = field(default_factory=list[str])


class ModelFileList:
    """Everything in the library, and the upscalers, as one list. Thread-safe."""

    def __init__(self, library: Library, upscalers: UpscalerCatalogue) -> None:
        self._library, self._upscalers = library, upscalers
        self._lock = threading.Lock()
        self._searchable: dict[str, _Searchable] = {}

    def page(self, wanted: ModelQuery) -> Page:
        """The files that are wanted, in order. Reads headers of none, and notes only of those that are returned."""
        found = [(kind, entry) for kind in wanted.kinds for entry in self._matching(kind, wanted)]
        if wanted.sort != "name" or len(wanted.kinds) > 1:
            key = _SORT_KEYS[wanted.sort]
            found.sort(key=lambda each: key(each[1]))
        if wanted.descending:
            found.reverse()
        end = None if wanted.limit is None else wanted.offset + wanted.limit
        shown = found[wanted.offset : end]
        return Page(items=tuple(self._listed(kind, entry) for kind, entry in shown), total=len(found))

    def find(self, kind: str, name: str) -> Listed | None:
        """The file of a kind that lists call `name`, looked at again; None where there is none."""
        entry = self._entry(kind, name)
        if entry is None:
            return None
        if kind in self._library.collections:
            # A request for one file reads its present state.
            self._library.collections[kind].facts(entry.found.path)
            entry = self._entry(kind, name) or entry
        return self._listed(kind, entry)

    def metadata(self, kind: str, name: str) -> Mapping[str, str] | None:
        """The free text of a file's header; None where there is no such file."""
        entry = self._entry(kind, name)
        if entry is None or kind not in self._library.collections:
            return None
        return self._library.collections[kind].metadata(entry.found.path)

    def entries(self, kind: str) -> tuple[Entry, ...]:
        """What is known of every file of a kind, sorted by name; reads none."""
        return self._entries(kind)

    def names_beside(self, item: Listed) -> frozenset[str]:
        """The names of the files in the folder of a file."""
        return self._names_beside(item.kind, Found(item.path, item.folder))

    def hash_soon(self, item: Listed) -> None:
        """Have the hashes of a file computed when there is time."""
        for algorithm in _algorithms(item.kind):
            self._library.hashes.begin(Path(item.path), algorithm, idly=True)

    def hash_all(self, kinds: Sequence[str] = KINDS) -> int:
        """Have the missing hashes of all files of these kinds computed when there is time; how many files lack any."""
        page = self.page(ModelQuery(kinds=[kind for kind in kinds if kind != "upscaler"]))
        missing = [item for item in page.items if any(each not in item.hashes for each in _algorithms(item.kind))]
        for item in missing:
            self.hash_soon(item)
        return len(missing)

    def preview_file(self, name: str) -> Path | None:
        """The picture at the path `name`, if it is one that lies beside a model and belongs to it; else None."""
        path = os.path.normpath(name)
        if not os.path.isabs(path) or not is_preview_name(path):  # noqa: PTH117
            return None
        for collection in self._library.collections.values():
            collection.folders.files()
            names = collection.folders.names_beside(path)
            if os.path.basename(path) not in names:  # noqa: PTH119
                continue
            # "name.preview.png" belongs to "name", "name.png" too.
            stem = path.rsplit(".", 1)[0].removesuffix(".preview")
            alike = (model for model in collection.folders.models_beside(path) if model.startswith(stem))
            if any(preview_of(model, names) == path for model in alike):
                return Path(path)
        return None

    def _matching(self, kind: str, wanted: ModelQuery) -> Iterator[Entry]:
        searchable = self._texts(kind)
        words = folded(wanted.query).split()
        by_hash = self._with_hash(kind, words[0]) if len(words) == 1 and _is_hash(words[0]) else frozenset[str]()
        for entry, text in zip(searchable.entries, searchable.texts, strict=True):
            if words and entry.found.path not in by_hash and not all(word in text for word in words):
                continue
            if wanted.family and entry.facts.family != wanted.family:
                continue
            if wanted.broken is None or wanted.broken == (entry.problem is not None):
                yield entry

    def _texts(self, kind: str) -> _Searchable:
        entries = self._entries(kind)
        with self._lock:
            known = self._searchable.get(kind)
            if known is None or known.entries is not entries:
                known = _Searchable(entries=entries, texts=[_text(entry) for entry in entries])
                self._searchable[kind] = known
            return known

    def _entries(self, kind: str) -> tuple[Entry, ...]:
        if kind == "upscaler":
            return tuple(_upscaler_entries(self._upscalers))
        collection = self._library.collections.get(kind)
        if collection is None:
            return ()
        entries = collection.entries()
        if kind == "embedding":
            return _without_pictures(entries, self._searchable.get(kind))
        return entries

    def _entry(self, kind: str, name: str) -> Entry | None:
        entries = self._entries(kind)
        wanted = plain(name)
        rules = (
            lambda entry: name in (entry.name, entry.found.path),
            lambda entry: wanted in (plain(entry.name), plain(entry.found.path)),
            lambda entry: wanted in (plain(entry.found.name), plain(entry.found.relative_stem)),
        )
        return next((found for rule in rules if (found := next(filter(rule, entries), None)) is not None), None)

    def _with_hash(self, kind: str, beginning: str) -> frozenset[str]:
        found = {
            path
            for algorithm in _algorithms(kind)
            for path, (_, digest) in self._library.hashes.all(algorithm).items()
            if digest.startswith(beginning)
        }
        stated = {
            entry.found.path
            for entry in self._entries(kind)
            if (entry.facts.told_hash or "").startswith(beginning) or entry.facts.old_hash == beginning
        }
        return frozenset(found | stated)

    def _listed(self, kind: str, entry: Entry) -> Listed:
        found, facts = entry.found, entry.facts
        stamp = entry.row.stamp if entry.row is not None else stamp_of(found.path)
        names = self._names_beside(kind, found)
        return Listed(
            kind=kind,
            name=found.name if kind == "vae" else entry.name,
            path=found.path,
            folder=found.folder,
            alias=facts.alias,
            size=stamp[0] if stamp is not None else None,
            modified=stamp[1] / 1e9 if stamp is not None else None,
            family=facts.family,
            problem=entry.problem,
            details=facts.details,
            hashes=self._hashes_of(kind, found.path, stamp, facts),
            preview=preview_of(found.path, names),
            description=description_of(found.path, names),
            user_metadata=user_metadata_of(found.path) if _has_notes(found.path, names) else {},
        )

    def _names_beside(self, kind: str, found: Found) -> frozenset[str]:
        collection = self._library.collections.get(kind)
        return collection.folders.names_beside(found.path) if collection is not None else frozenset()

    def _hashes_of(self, kind: str, path: str, stamp: Stamp | None, facts: Facts) -> dict[str, str]:
        hashes: dict[str, str] = {}
        for algorithm in _algorithms(kind):
            if stamp is not None and (digest := self._library.hashes.of_stamp(path, stamp, algorithm)):
                hashes[algorithm] = digest
        if kind in NETWORKS and facts.told_hash:
            hashes["addnet"] = facts.told_hash
        if "sha256" in hashes:
            hashes["autov2"] = hashes["sha256"][:SHORT]
        if "addnet" in hashes:
            hashes["autov3"] = hashes["addnet"][:SHORT_NETWORK]
        return hashes | ({"old": facts.old_hash} if facts.old_hash else {})


def _algorithms(kind: str) -> tuple[Algorithm, ...]:
    return ("sha256", "addnet") if kind in NETWORKS else ("sha256",)


def _text(entry: Entry) -> str:
    facts = entry.facts
    return folded(" ".join(filter(None, (entry.found.relative, facts.alias, facts.family, facts.words))))


def _is_hash(word: str) -> bool:
    return len(word) >= 8 and set(word) <= set("0123456789abcdef")


def _has_notes(path: str, names: frozenset[str]) -> bool:
    return os.path.basename(path).rsplit(".", 1)[0] + ".json" in names or not names  # noqa: PTH119


def _without_pictures(entries: tuple[Entry, ...], known: _Searchable | None) -> tuple[Entry, ...]:
    """Embeddings alone: pictures in their folder that hold none are no mistakes. The same object where it is alike."""
    kept = tuple(entry for entry in entries if NO_EMBEDDING not in entry.facts.details)
    return known.entries if known is not None and known.entries == kept else kept


def _upscaler_entries(upscalers: UpscalerCatalogue) -> Iterator[Entry]:
    for info in upscalers.all():
        if info.path is not None:
            path = str(info.path)
            facts = Facts(problem=info.problem, family=info.family, details={"scale": f"{info.scale:g}"})
            row = Row(stamp=stamp_of(path) or (0, 0), inode=0, version=0, facts=facts)
            yield Entry(name=info.name, found=Found(path, str(info.path.parent)), row=row)


def _created(path: str) -> float:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return 0.0
    return getattr(status, "st_birthtime", status.st_ctime)


_SORT_KEYS: Mapping[str, Callable[[Entry], Any]] = {
    "name": lambda entry: natural_key(entry.found.name),
    "path": lambda entry: natural_key(entry.found.relative),
    "modified": lambda entry: entry.row.stamp[1] if entry.row is not None else 0,
    "created": lambda entry: _created(entry.found.path),
    "size": lambda entry: entry.row.stamp[0] if entry.row is not None else 0,
}
