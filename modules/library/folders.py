"""Which files lie in some folders, looked up again when a folder's modification time says that something changed."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

log = logging.getLogger(__name__)

DIFFUSERS_INDEX = "model_index.json"
"""The file that makes a folder one checkpoint in diffusers' form."""

RECENT = 3_000_000_000
"""Nanoseconds. A folder that changed this lately may change again without its time showing it (FAT counts in 2 s)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file (or a folder in diffusers' form), and the folder that was searched."""

    path: str
    folder: str

    @property
    def relative(self) -> str:
        """The path below the folder, with slashes."""
        below = self.path[len(self.folder) :].lstrip(os.sep)
        return below.replace(os.sep, "/")

    @property
    def relative_stem(self) -> str:
        """The path below the folder, with slashes and without suffix."""
        return self.relative.rsplit(".", 1)[0]

    @property
    def name(self) -> str:
        """The file's name with its suffix."""
        return os.path.basename(self.path)  # noqa: PTH119 - a Path for each of 10,000 files takes its time


@dataclass(slots=True)
class _Folder:
    """A folder as it was read. `mtime` is None where the time could not tell a later change."""

    mtime: int | None
    names: frozenset[str]
    models: tuple[str, ...]
    folders: tuple[str, ...]
    links: tuple[tuple[str, bool], ...] = ()
    """Paths of links, and whether there was a file behind each: that changes without the folder's time."""


_DIGITS = re.compile(r"(\d+)")
MAX_DIGITS = 300


class ModelFolders:
    """The files of some folders and all folders below them, in order of their paths. Thread-safe.

    `folders` is asked each time: settings may add some. `suffixes` are in lower case; `accepts` may refuse a name in a
    folder that was given. `takes_folders` takes a folder with a model_index.json as one file. `singles` are files by
    themselves, which come last. Names that begin with a dot are left out where `hidden()` is false.
    """

    def __init__(
        self,
        folders: Callable[[], Sequence[Path]],
        suffixes: tuple[str, ...],
        *,
        accepts: Callable[[str, str], bool] = lambda folder, name: True,
        takes_folders: bool = False,
        singles: Sequence[Path] = (),
        hidden: Callable[[], bool] = lambda: True,
    ) -> None:
        self.folders, self._suffixes, self._accepts = folders, suffixes, accepts
        self._takes_folders, self._singles, self._hidden = takes_folders, tuple(map(str, singles)), hidden
        self._lock = threading.Lock()
        self._known: dict[str, _Folder] = {}
        self._files: tuple[Found, ...] = ()
        self._read_with: tuple[tuple[str, ...], tuple[str, ...], bool] | None = None
        self.generation = 0

    def files(self) -> tuple[Found, ...]:
        """The files as they are now; the same object as before where nothing changed."""
        with self._lock:
            singles = tuple(path for path in self._singles if os.path.exists(path))  # noqa: PTH110
            read_with = (tuple(str(folder) for folder in self.folders()), singles, self._hidden())
            if self._read_with == read_with and not self._changed():
                return self._files
            now: dict[str, _Folder] = {}
            before = self._known if self._read_with is not None and self._read_with[2] == read_with[2] else {}
            found = [each for folder in read_with[0] for each in self._search(folder, before, now, read_with[2])]
            inside = {each.path for each in found}
            found += [Found(path, os.path.dirname(path)) for path in singles if path not in inside]  # noqa: PTH120
            self._known = now
            if tuple(found) != self._files or self._read_with is None:
                self._files = tuple(found)
                self.generation += 1
            self._read_with = read_with
            return self._files

    def refresh(self) -> None:
        """Read every folder again when next asked, whatever its time says."""
        with self._lock:
            for record in self._known.values():
                record.mtime = None

    def models_beside(self, path: str) -> tuple[str, ...]:
        """The paths of all models in the folder of a file, as they were when it was last read."""
        folder = os.path.dirname(path)  # noqa: PTH120
        record = self._known.get(folder)
        return tuple(os.path.join(folder, name) for name in record.models) if record is not None else ()  # noqa: PTH118

    def names_beside(self, path: str) -> frozenset[str]:
        """The names of all files in the folder of a file, as they were when it was last read."""
        record = self._known.get(os.path.dirname(path))  # noqa: PTH120
        return record.names if record is not None else frozenset()

    def _changed(self) -> bool:
        return any(
            record.mtime is None
            or record.mtime != _mtime(folder)
            or any(os.path.exists(path) != target for path, target in record.links)  # noqa: PTH110
            for folder, record in self._known.items()
        )

    def _search(self, root: str, before: dict[str, _Folder], now: dict[str, _Folder], hidden: bool) -> Iterator[Found]:
        # Each folder waits with the inodes of those above it: a link to one of them would never end.
        waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [(root, ())]
        while waiting:
            folder, above = waiting.pop()
            try:
                status = os.stat(folder)  # noqa: PTH116
            except OSError:
                # A folder that is not there yet is looked for each time.
                now[folder] = _Folder(0, frozenset(), (), ())
                continue
            identity = (status.st_dev, status.st_ino)
            if identity in above and status.st_ino:
                continue
            record = before.get(folder)
            if record is None or record.mtime != status.st_mtime_ns or record.links:
                record = self._read(folder, root, status.st_mtime_ns, hidden)
            now[folder] = record
            yield from (Found(os.path.join(folder, name), root) for name in record.models)  # noqa: PTH118
            below = [(os.path.join(folder, name), (*above, identity)) for name in record.folders]  # noqa: PTH118
            waiting += reversed(below)

    def _read(self, folder: str, root: str, mtime: int, hidden: bool) -> _Folder:
        names: list[str] = []
        folders: list[str] = []
        models: list[str] = []
        links: list[tuple[str, bool]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not _is_text(entry.name, folder) or (entry.name.startswith(".") and not hidden):
                        continue
                    kind = _kind_of(entry)
                    if entry.is_symlink():
                        links.append((entry.path, kind != "nothing"))
                    if kind == "folder":
                        folders.append(entry.name)
                    elif kind == "file":
                        names.append(entry.name)
        except OSError as error:
            log.warning("%s cannot be read: %s", folder, error)
        for name in list(folders) if self._takes_folders else ():
            if os.path.isfile(os.path.join(folder, name, DIFFUSERS_INDEX)):  # noqa: PTH113, PTH118
                folders.remove(name)
                models.append(name)
        models += [name for name in names if self._is_model(root, name)]
        recent = time.time_ns() - mtime < RECENT
        return _Folder(
            None if recent else mtime,
            frozenset(names),
            tuple(sorted(models)),
            tuple(sorted(folders)),
            tuple(links),
        )

    def _is_model(self, root: str, name: str) -> bool:
        # "._name" is what macOS leaves beside a file on foreign disks.
        return name.lower().endswith(self._suffixes) and not name.startswith("._") and self._accepts(root, name)


def natural_key(name: str) -> tuple[tuple[int | str, ...], str]:
    """A key that sorts as people do: without regard to case, v2 before v10, "name.pt" before "name-b.pt"."""
    stem, dot, suffix = name.casefold().rpartition(".")
    parts = _DIGITS.split(stem if dot else suffix)
    # Every second part is a number, so that like is compared with like.
    return tuple(_number(part) if index % 2 else part for index, part in enumerate(parts)), suffix if dot else ""


def _number(digits: str) -> int:
    # Python refuses to read thousands of digits; all numbers of hundreds are alike.
    return int(digits) if len(digits) <= MAX_DIGITS else 10**MAX_DIGITS


def _mtime(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _kind_of(entry: os.DirEntry[str]) -> Literal["file", "folder", "other", "nothing"]:
    """What a name stands for, links followed; "nothing" where a link leads nowhere, or round in a circle.

    A pipe or a device is "other": opening it as a model could wait for ever.
    """
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        entry.stat()
    except OSError:
        return "nothing"
    return "other"


def _is_text(name: str, folder: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        log.warning("%s holds a file whose name is no text, %r; it is left out. Rename it.", folder, name)
        return False
    return True
