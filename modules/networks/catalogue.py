"""Which network files there are, and under which names prompts may mention them."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from modules.checkpoints.families import FamilyRegistry
from modules.library.collection import Collection, Entry
from modules.library.facts import Facts
from modules.library.library import Folders, Library
from modules.library.names import plain
from modules.networks.info import NetworkInfo, NetworkKind
from modules.networks.names import NetworkNames
from modules.prompts.networks import fits_tag

log = logging.getLogger(__name__)

SUFFIXES: Mapping[NetworkKind, tuple[str, ...]] = {"lora": (".safetensors", ".pt", ".ckpt"), "hypernet": (".pt",)}
COLLECTIONS: Mapping[NetworkKind, str] = {"lora": "lora", "hypernet": "hypernetwork"}
VERSION = 1
"""Of what the index says of networks; to be raised when files would be described differently."""

FORBIDDEN_ALIASES = frozenset({"", "none", "addams"})
"""Names that badly made files give themselves."""


class NetworkCatalogue:
    """The networks in the folders of each kind. Thread-safe.

    Changed folders are noticed whenever the list is read; headers are read in the background, or when one is needed.
    """

    def __init__(
        self, library: Library, folders: Mapping[NetworkKind, Folders], families: FamilyRegistry | None = None
    ) -> None:
        families = families or FamilyRegistry()
        self._hashes = library.hashes
        self._lock = threading.Lock()
        self._names: dict[NetworkKind, NetworkNames] = {}
        self._reported: set[str] = set()
        describe = {"lora": functools.partial(_describe_lora, families=families), "hypernet": _describe_hypernetwork}
        self.collections: Mapping[NetworkKind, Collection] = {
            kind: library.collect(COLLECTIONS[kind], each, SUFFIXES[kind], describe[kind], version=VERSION)
            for kind, each in folders.items()
        }
        families.observe(lambda: self._describe_again(families.state))

    def all(self, kind: NetworkKind) -> tuple[NetworkInfo, ...]:
        """Every network of a kind, one of each name, sorted by name without regard to case."""
        return self._current(kind).infos

    def _describe_again(self, families: str) -> None:
        for collection in self.collections.values():
            collection.describe_again(families)

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
        """How a tag should mention a network under the setting "lora_preferred_name".

        A name that a tag cannot hold, or that names another network as well, gives way to the next: alias, file name,
        path below the folder, then the name with the signs replaced that mean something in tags.
        """
        self._settle(info.kind)
        names = [info.name, info.relative_name]
        if preference != "Filename":
            names.insert(0, self.alias(info).strip())
        for name in names:
            found = self._find(info.kind, name) if fits_tag(name) else None
            if found is not None and found.path == info.path:
                return name
        return self._current(info.kind).tags.get(str(info.path), info.name)

    def preferred_names(self, kind: NetworkKind, preference: str) -> Mapping[str, str]:
        """`preferred_name` of every network of a kind, by path; headers that were not read yet are not waited for."""
        return self._current(kind).preferred(kind, by_alias=preference != "Filename")

    def hash(self, info: NetworkInfo) -> str:
        """The network's hash, from its header if that has it. Raises OSError as the file system does."""
        return self.begin_hash(info).result()

    def begin_hash(self, info: NetworkInfo) -> Future[str]:
        """Have the network's hash computed in the background; one that its header tells is there at once."""
        stated = self.facts(info).told_hash
        if stated is None:
            return self._hashes.begin(info.path, "addnet")
        future: Future[str] = Future()
        future.set_result(stated)
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

    def name_by_hash(self, short: str, preference: str = "Alias from file") -> str | None:
        """How a prompt can mention the network with this hash under the setting "lora_preferred_name", or None."""
        info = self.by_hash(short)
        return None if info is None else self.preferred_name(info, preference)

    def is_file_with(self, name: str, short: str) -> bool:
        """Whether a LoRA file is called `name`, which is no alias, and has this hash, as far as its hash is known."""
        info = self._current("lora").file(name)
        if info is None:
            return False
        known = self.known_hash(info)
        return known is None or known.startswith(short.strip().casefold())

    def _find(self, kind: NetworkKind, name: str) -> NetworkInfo | None:
        if (found := self._current(kind).file(name)) is not None:
            return found
        if kind == "lora":
            self._settle(kind)
        return self._current(kind).find(name, kind)

    def _settle(self, kind: NetworkKind) -> None:
        """See that every header has been read: what is asked for may be in the one that was not."""
        if not self.collections[kind].settled:
            self.collections[kind].settle()

    def _current(self, kind: NetworkKind) -> NetworkNames:
        entries = self.collections[kind].entries()
        with self._lock:
            known = self._names.get(kind)
            if known is None or known.entries is not entries:
                known = self._names[kind] = self._named(kind, entries)
            return known

    def _named(self, kind: NetworkKind, entries: tuple[Entry, ...]) -> NetworkNames:
        names = NetworkNames(entries=entries)
        folders = {folder: Path(folder) for folder in {entry.found.folder for entry in entries}}
        infos = [
            NetworkInfo(path=Path(entry.found.path), folder=folders[entry.found.folder], kind=kind) for entry in entries
        ]
        names.infos = tuple(info for info, entry in zip(infos, entries, strict=True) if entry.first is None)
        for info, entry in zip(infos, entries, strict=True):
            if entry.first is None:
                names.by_name[entry.name] = info
                self._add_alias(names, info, entry)
            else:
                self._tell_once(entry)
        listed = {entry.found.path: info for info, entry in zip(infos, entries, strict=True)}
        for found in self.collections[kind].files():
            # A link below its target, or beside it in another folder, is not listed twice but has its path as a name.
            stem = found.name.rsplit(".", 1)[0]
            if (info := listed.get(found.path) or names.by_name.get(stem)) is not None:
                names.by_name.setdefault(found.relative_stem, info)
        names.add_spellings()
        return names

    def _add_alias(self, names: NetworkNames, info: NetworkInfo, entry: Entry) -> None:
        alias = plain(entry.facts.alias or "")
        if alias.casefold() not in FORBIDDEN_ALIASES:
            names.by_alias[alias] = None if alias in names.by_alias else info

    def _tell_once(self, entry: Entry) -> None:
        if entry.found.path not in self._reported:
            self._reported.add(entry.found.path)
            log.warning("%s", entry.problem)


def _describe_lora(path: Path, families: FamilyRegistry) -> Facts:
    from modules.networks.describe import describe_lora

    return describe_lora(path, families)


def _describe_hypernetwork(path: Path) -> Facts:
    from modules.networks.describe import describe_hypernetwork

    return describe_hypernetwork(path)
