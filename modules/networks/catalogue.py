"""Which network files there are, and under which names prompts may mention them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modules.library.collection import Collection, Entry
from modules.library.facts import Facts
from modules.library.library import Folders, Library

log = logging.getLogger(__name__)

NetworkKind = Literal["lora", "hypernet"]
SUFFIXES: Mapping[NetworkKind, tuple[str, ...]] = {"lora": (".safetensors", ".pt", ".ckpt"), "hypernet": (".pt",)}
COLLECTIONS: Mapping[NetworkKind, str] = {"lora": "lora", "hypernet": "hypernetwork"}
VERSION = 1
"""Of what the index says of networks; to be raised when files would be described differently."""

FORBIDDEN_ALIASES = frozenset({"", "none", "addams"})
"""Names that badly made files give themselves."""


@dataclass(frozen=True, kw_only=True)
class NetworkInfo:
    """A network file. `folder` is the one it was found under; `name` is how prompts mention it."""

    path: Path
    folder: Path
    kind: NetworkKind

    @property
    def name(self) -> str:
        """The file's name without suffix."""
        return self.path.stem

    @property
    def relative_name(self) -> str:
        """The path below the folder, without suffix and with slashes."""
        return self.path.relative_to(self.folder).as_posix().removesuffix(self.path.suffix)


@dataclass(kw_only=True)
class _Names:
    """The networks of one kind as they were in one list of the collection, by their names."""

    entries: tuple[Entry, ...] = ()
    infos: tuple[NetworkInfo, ...] = ()
    by_name: dict[str, NetworkInfo] = field(default_factory=dict[str, NetworkInfo])
    folded: dict[str, NetworkInfo] = field(default_factory=dict[str, NetworkInfo])


class NetworkCatalogue:
    """The networks in the folders of each kind. Thread-safe.

    Changed folders are noticed whenever somebody looks; headers are read in the background, or when one is needed.
    """

    def __init__(self, library: Library, folders: Mapping[NetworkKind, Folders]) -> None:
        self._hashes = library.hashes
        self._lock = threading.Lock()
        self._names: dict[NetworkKind, _Names] = {}
        self._told: set[str] = set()
        describe = {"lora": _describe_lora, "hypernet": _describe_hypernetwork}
        self.collections: Mapping[NetworkKind, Collection] = {
            kind: library.collect(COLLECTIONS[kind], each, SUFFIXES[kind], describe[kind], version=VERSION)
            for kind, each in folders.items()
        }

    def all(self, kind: NetworkKind) -> tuple[NetworkInfo, ...]:
        """Every network of a kind, one of each name, sorted by name without regard to case."""
        return self._current(kind).infos

    def refresh(self) -> None:
        """Read the folders again when next asked."""
        for collection in self.collections.values():
            collection.refresh()

    def find(self, kind: NetworkKind, name: str) -> NetworkInfo | None:
        """The network that a prompt calls `name`: its file's name, its path below the folder, or its alias.

        The folders are read once more before giving up.
        """
        found = self._find(kind, name)
        if found is None:
            self.refresh()
            found = self._find(kind, name)
        return found

    def facts(self, info: NetworkInfo) -> Facts:
        """What the file's header says; remembered until the file changes."""
        return self.collections[info.kind].facts(str(info.path))

    def metadata(self, info: NetworkInfo) -> Mapping[str, str]:
        """What its trainer wrote into the file."""
        return self.collections[info.kind].metadata(str(info.path))

    def all_metadata(self, kind: NetworkKind) -> Mapping[str, Mapping[str, str]]:
        """What the trainers of all networks of a kind wrote, by path, after every header has been read."""
        self.collections[kind].settle()
        return self.collections[kind].index.metadata_of(self.collections[kind].kind)

    def note_problem(self, info: NetworkInfo, problem: str) -> None:
        """Have the lists show why a network could not be used, until its file changes."""
        self.collections[info.kind].note_problem(str(info.path), problem)

    def alias(self, info: NetworkInfo) -> str:
        """The name that the file's author gave it (`ss_output_name`), or the file's name where there is none."""
        return (info.kind == "lora" and self.facts(info).alias) or info.name

    def preferred_name(self, info: NetworkInfo, preference: str) -> str:
        """How a tag should mention a network under the setting "lora_preferred_name", without ambiguous aliases."""
        alias = self.alias(info)
        if preference == "Filename" or alias.casefold() in FORBIDDEN_ALIASES:
            return info.name
        return alias if self._by_alias(info.kind, alias) == info else info.name

    def hash(self, info: NetworkInfo) -> str:
        """The network's hash, from its header if that has it. Raises OSError as the file system does."""
        return self.begin_hash(info).result()

    def begin_hash(self, info: NetworkInfo) -> Future[str]:
        """Have the network's hash computed in the background; one that its header tells is there at once."""
        told = self.facts(info).told_hash
        if told is None:
            return self._hashes.begin(info.path, "addnet")
        future: Future[str] = Future()
        future.set_result(told)
        return future

    def known_hash(self, info: NetworkInfo) -> str | None:
        """The network's hash if it can be told without reading the whole file."""
        return self.facts(info).told_hash or self._hashes.known(info.path, "addnet")

    def by_hash(self, short: str) -> NetworkInfo | None:
        """The first LoRA file whose hash is known and begins like this."""
        wanted = short.strip().casefold()
        if len(wanted) < 8:
            return None
        self._settle("lora")
        names, computed = self._current("lora"), self._hashes.all("addnet")
        infos = {str(info.path): info for info in names.infos}
        for entry in names.entries:
            path = entry.found.path
            stamp, digest = computed.get(path, (None, ""))
            known = entry.facts.told_hash or (digest if entry.row is None or entry.row.stamp == stamp else "")
            if path in infos and known.startswith(wanted):
                return infos[path]
        return None

    def name_by_hash(self, short: str) -> str | None:
        """How a prompt can mention the network with this hash, or None."""
        info = self.by_hash(short)
        return None if info is None else self.preferred_name(info, "Alias from file")

    def _find(self, kind: NetworkKind, name: str) -> NetworkInfo | None:
        names, wanted = self._current(kind), name.strip()
        if (found := names.by_name.get(wanted)) is not None:
            return found
        if kind == "lora" and (found := self._by_alias(kind, wanted)) is not None:
            return found
        return names.folded.get(wanted.casefold())

    def _by_alias(self, kind: NetworkKind, alias: str) -> NetworkInfo | None:
        if alias.casefold() in FORBIDDEN_ALIASES:
            return None
        self._settle(kind)
        names = self._current(kind)
        paths = {e.found.path for e in names.entries if (e.facts.alias or e.name) == alias}
        matching = [info for info in names.infos if str(info.path) in paths]
        return matching[0] if len(matching) == 1 else None

    def _settle(self, kind: NetworkKind) -> None:
        """See that every header has been read: what is asked for may be in the one that was not."""
        if not self.collections[kind].settled:
            self.collections[kind].settle()

    def _current(self, kind: NetworkKind) -> _Names:
        entries = self.collections[kind].entries()
        with self._lock:
            known = self._names.get(kind)
            if known is None or known.entries is not entries:
                known = self._names[kind] = self._named(kind, entries)
            return known

    def _named(self, kind: NetworkKind, entries: tuple[Entry, ...]) -> _Names:
        names = _Names(entries=entries)
        folders = {folder: Path(folder) for folder in {entry.found.folder for entry in entries}}
        infos = [
            NetworkInfo(path=Path(entry.found.path), folder=folders[entry.found.folder], kind=kind) for entry in entries
        ]
        names.infos = tuple(info for info, entry in zip(infos, entries, strict=True) if entry.first is None)
        for info, entry in zip(infos, entries, strict=True):
            if entry.first is None:
                names.by_name[entry.name] = info
            else:
                self._tell_once(entry)
        for info, entry in zip(infos, entries, strict=True):
            names.by_name.setdefault(entry.found.relative_stem, info)
        for name, info in names.by_name.items():
            names.folded.setdefault(name.casefold(), info)
        return names

    def _tell_once(self, entry: Entry) -> None:
        if entry.found.path not in self._told:
            self._told.add(entry.found.path)
            log.warning("%s", entry.problem)


def _describe_lora(path: Path) -> Facts:
    from modules.networks.describe import describe_lora

    return describe_lora(path)


def _describe_hypernetwork(path: Path) -> Facts:
    from modules.networks.describe import describe_hypernetwork

    return describe_hypernetwork(path)
