"""The folders of wildcards: which names there are, and their values, read when they are asked for and kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.foundation.errors import SettingsError
from modules.library.folders import natural_key
from modules.prompts.wildcards.files import SUFFIXES, read_collections
from modules.prompts.wildcards.values import WildcardList, WildcardMatches

MAX_FILES = 100_000
"""That are looked at; a folder of wildcards has some thousands."""

_State = tuple[int, int]


@dataclass
class _File:
    """A file, and what was read of it in the state that it had."""

    path: Path
    name: str
    state: _State | None = None
    collections: list[WildcardList] = field(default_factory=list[WildcardList])
    problem: str | None = None

    def read(self) -> None:
        """Read it, if it is another one than before."""
        try:
            stat = self.path.stat()
            if (state := (stat.st_mtime_ns, stat.st_size)) == self.state:
                return
            self.state, self.problem, self.collections = state, None, []
            self.collections = read_collections(self.path, self.name)
        except SettingsError as error:
            self.problem = str(error)
        except OSError as error:
            self.state, self.collections = None, []
            self.problem = f"{self.path} cannot be read: {error.strerror or error}."


class WildcardFolders:
    """All wildcards of some folders, by name in any case. Folders are looked through again when they have changed."""

    def __init__(self, folders: Callable[[], Sequence[Path]]) -> None:
        self._folders = folders
        self._lock = threading.RLock()
        self._files: dict[Path, _File] = {}
        self._seen: dict[str, int] = {}
        self._looked_at: tuple[Path, ...] = ()

    def names(self) -> list[str]:
        """The names of all wildcards, in the order in which people sort."""
        with self._lock:
            names = {name for file in self._all() for name in self._names_of(file)}
        return sorted(names, key=natural_key)

    def snapshot(self) -> Snapshot:
        """What there is now. Values are read when they are asked for."""
        with self._lock:
            by_name: dict[str, list[_File]] = {}
            for file in self._all():
                for name in self._names_of(file):
                    by_name.setdefault(name.casefold(), []).append(file)
            problems = tuple(file.problem for file in self._files.values() if file.problem)
        return Snapshot(by_name, problems, self._lock)

    def _names_of(self, file: _File) -> list[str]:
        if file.path.suffix.lower() == ".txt":
            return [file.name]
        file.read()
        return [each.name for each in file.collections]

    def _all(self) -> list[_File]:
        """The files of all folders, as they are now."""
        folders = tuple(self._folders())
        if folders != self._looked_at or any(_time(folder) != time for folder, time in self._seen.items()):
            self._search(folders)
        return list(self._files.values())

    def _search(self, folders: tuple[Path, ...]) -> None:
        before, self._files, self._seen = self._files, {}, {}
        self._looked_at = folders
        for folder in folders:
            self._seen[str(folder)] = _time(str(folder))
            walked: set[str] = set()
            for root, below, names in os.walk(folder, followlinks=True):
                real = os.path.realpath(root)
                if real in walked:  # a link that leads back
                    below.clear()
                    continue
                walked.add(real)
                below[:] = sorted(each for each in below if not each.startswith("."))
                self._seen[root] = _time(root)
                for name in sorted(names):
                    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - strings: this runs for thousands
                    if suffix.lower() not in SUFFIXES or name.startswith(".") or len(self._files) >= MAX_FILES:
                        continue
                    path = Path(root, name)
                    relative = os.path.relpath(os.path.join(root, stem), folder)  # noqa: PTH118
                    self._files[path] = before.get(path) or _File(path, relative.replace(os.sep, "/"))


class Snapshot:
    """The wildcards of one moment, a `Lookup` for the prompts of one run."""

    def __init__(self, by_name: Mapping[str, Sequence[_File]], problems: Sequence[str], lock: threading.RLock) -> None:
        self._by_name, self._problems, self._lock = by_name, problems, lock
        self._by_last: dict[str, list[str]] = {}
        for name in by_name:
            self._by_last.setdefault(name.rpartition("/")[2], []).append(name)
        self._found: dict[tuple[str, str], WildcardMatches | None] = {}

    def find(self, name: str, near: str = "") -> WildcardMatches | None:
        """The values of `name`, which may be a pattern with `*`; None where no wildcard is called so.

        A name in a value is first looked for beside the wildcard `near` that has the value, and at last in any folder.
        """
        wanted = cleaned(name)
        if wanted is None:
            return None
        folder = near.casefold().rpartition("/")[0]
        if (wanted, folder) not in self._found:
            self._found[wanted, folder] = self._values(wanted, folder)
        return self._found[wanted, folder]

    def problems(self) -> Sequence[str]:
        """What is wrong with files that cannot be used."""
        return self._problems

    def _values(self, wanted: str, folder: str) -> WildcardMatches | None:
        for names in self._candidates(wanted, folder):
            found = [each for name in sorted(names, key=natural_key) for each in self._read(name)]
            if found:
                return WildcardMatches(tuple(found))
        return None

    def _candidates(self, wanted: str, folder: str) -> Iterator[list[str]]:
        if "*" in wanted:
            for pattern in dict.fromkeys((wanted, f"{folder}/{wanted}" if folder else wanted, f"*/{wanted}")):
                yield [name for name in self._by_name if matches(pattern, name)]
            return
        yield [name for name in (wanted,) if name in self._by_name]
        yield [name for name in (f"{folder}/{wanted}",) if name in self._by_name]
        yield [name for name in self._by_last.get(wanted.rpartition("/")[2], ()) if name.endswith(f"/{wanted}")][:1]

    def _read(self, name: str) -> list[WildcardList]:
        with self._lock:
            for file in self._by_name[name]:
                file.read()
            return [each for file in self._by_name[name] for each in file.collections if each.name.casefold() == name]


def cleaned(name: str) -> str | None:
    """A name as it is looked for: slashes one way, none at the ends, small letters. None for one that leads upwards."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    if not parts or any(part in (".", "..") for part in parts):
        return None
    return "/".join(parts).casefold()


def matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, in which each `*` stands for any characters, slashes too. Linear in both."""
    first, *middle, last = pattern.split("*")
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _time(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
