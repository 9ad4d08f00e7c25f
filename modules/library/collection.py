"""The files of one kind together with what their headers say."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from modules.library.background import Background
from modules.library.facts import NOTHING, Facts, Row, Stamp, identity_of, stamp_of
from modules.library.folders import Found, ModelFolders, natural_key
from modules.library.index import FileIndex

BATCH = 200
"""Rows that are written together; what is lost when the program is killed meanwhile."""

VERIFY_AFTER = 5.0
"""Seconds after which files are compared with their stamps again when the list is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file as lists show it. `row` is None where nothing is known yet; `first` is another file of the same name."""

    name: str
    found: Found
    row: Row | None
    first: str | None = None

    @property
    def facts(self) -> Facts:
        """What is known of it."""
        return self.row.facts if self.row is not None else UNKNOWN

    @property
    def problem(self) -> str | None:
        """Why it cannot be used, None where it can for all that is known."""
        if self.first is not None:
            return f"{self.found.path} has the same name as {self.first}, which is used; rename one of them."
        return self.facts.problem


UNKNOWN = Facts()
GONE: Stamp = (-1, -1)
"""The stamp in rows of files that cannot be looked at, which are not remembered."""


class Collection:
    """The model files of some folders, and facts about each. Thread-safe.

    Facts come from the index where the file is as it was, else from `describe`, which reads the header: in the
    background, or at once for a single file that is asked for. Facts of another `version` are found out again.
    `on_new` hears of files that appeared or changed, some at a time.
    """

    def __init__(
        self,
        kind: str,
        folders: ModelFolders,
        index: FileIndex,
        background: Background,
        describe: Callable[[Path], Facts],
        *,
        version: int = 1,
        name_of: Callable[[Found], str] = lambda found: found.name.rsplit(".", 1)[0],
        on_new: Callable[[Mapping[str, Row]], None] = lambda rows: None,
    ) -> None:
        self.kind, self.folders, self.index, self.version, self._name_of = kind, folders, index, version, name_of
        self._usual_version = version
        self._background, self._describe, self._on_new = background, describe, on_new
        self._lock = threading.RLock()
        self._work = threading.Lock()
        self._rows: dict[str, Row] | None = None
        self._verified = float("-inf")
        self._verifying: Future[None] | None = None
        self._settled = -1
        self._entries: tuple[tuple[int, int], tuple[Entry, ...]] | None = None
        self.revision = 0

    def files(self) -> tuple[Found, ...]:
        """The files as they are now. What is not known of them yet is found out in the background."""
        before = self.folders.generation
        files = self.folders.files()
        now = time.monotonic()
        with self._lock:
            if before != self.folders.generation or now - self._verified > VERIFY_AFTER:
                self._verified = now
                self.verify_soon()
        return files

    def entries(self) -> tuple[Entry, ...]:
        """The files with their names and what is known of them, sorted by name. Reads no file.

        Of several files of one name the first is used; the others say so.
        """
        files = self.files()
        with self._lock:
            state = (self.folders.generation, self.revision)
            if self._entries is None or self._entries[0] != state:
                self._entries = (state, tuple(sorted(self._made(files), key=lambda each: natural_key(each.name))))
            return self._entries[1]

    def _made(self, files: tuple[Found, ...]) -> Iterator[Entry]:
        first: dict[str, str] = {}
        rows = self._loaded()
        for found in files:
            name = self._name_of(found)
            other = first.setdefault(name, found.path)
            if other == found.path:
                yield Entry(name=name, found=found, row=rows.get(found.path))
            elif os.path.realpath(other) != os.path.realpath(found.path):
                yield Entry(name=name, found=found, row=rows.get(found.path), first=other)

    @property
    def settled(self) -> bool:
        """Whether something is known of every file there is."""
        self.folders.files()
        return self._settled == self.folders.generation

    def refresh(self) -> None:
        """Read the folders again, and compare every file with what is known of it."""
        self.folders.refresh()
        with self._lock:
            self._verified = float("-inf")

    def describe_again(self, state: str) -> None:
        """Have every file looked at again, since what they are told by has changed to `state`; "" is the usual one."""
        with self._lock:
            self.version = zlib.crc32(f"{self._usual_version} {state}".encode()) if state else self._usual_version
            self._verified = float("-inf")
        self.verify_soon()

    def verify_soon(self) -> Future[None]:
        """Have every file looked at whose stamp is not the known one."""
        with self._lock:
            if self._verifying is None or self._verifying.running() or self._verifying.done():
                self._verifying = self._background.submit(self.settle)
            return self._verifying

    def known(self, path: str) -> Row | None:
        """What is known of a file, without looking at it."""
        return self._loaded().get(path)

    def facts(self, path: str) -> Facts:
        """What the file says of itself now; read if it is not known yet."""
        stamp, row = stamp_of(path), self.known(path)
        if row is not None and row.stamp == stamp and row.version == self.version:
            return row.facts
        return self._learn({path: self._search(path)})[path].facts

    def metadata(self, path: str) -> Mapping[str, str]:
        """The free text of a file's header."""
        row, stamp = self.known(path), stamp_of(path)
        if row is None or row.stamp != stamp or row.version != self.version:
            return self._learn({path: self._search(path)})[path].facts.metadata
        return self.index.metadata(self.kind, path)

    def note_problem(self, path: str, problem: str | None) -> None:
        """Remember why a file could not be used, until it changes: reading its tensors tells more than its header.

        None takes back what was said.
        """
        row = self.known(path) or self._search(path)
        if row.facts.problem != problem and row.stamp == stamp_of(path):
            metadata = self.index.metadata(self.kind, path)
            self._learn({path: replace(row, facts=replace(row.facts, problem=problem, metadata=metadata))})

    def settle(self) -> None:
        """Find out now what is not known yet of every file, and what changed."""
        with self._work:
            files = self.folders.files()
            generation = self.folders.generation
            learned: dict[str, Row] = {}
            for row_of in self._outdated(files):
                learned |= row_of
                if len(learned) >= BATCH:
                    self._on_new(self._learn(learned))
                    learned = {}
            if learned:
                self._on_new(self._learn(learned))
            gone = self._loaded().keys() - {each.path for each in files}
            if gone:
                with self._lock:
                    for path in gone:
                        self._loaded().pop(path, None)
                    self.revision += 1
                self.index.forget(self.kind, gone)
            self._settled = generation

    def _outdated(self, files: tuple[Found, ...]) -> Iterator[dict[str, Row]]:
        for index, each in enumerate(files):
            if index % BATCH == 0:
                self._background.breathe()
            row = self.known(each.path)
            stamp = stamp_of(each.path)
            if stamp is not None and (row is None or row.stamp != stamp or row.version != self.version):
                self._background.breathe()
                yield {each.path: self._search(each.path)}

    def _search(self, path: str) -> Row:
        # The stamp is older than what is read: a file that changes meanwhile is looked at again.
        stamp, inode = identity_of(path)
        return Row(stamp=stamp or GONE, inode=inode, version=self.version, facts=self._describe(Path(path)))

    def _learn(self, rows: Mapping[str, Row]) -> Mapping[str, Row]:
        # Before the rows are known: what finds one looks for its metadata in the index.
        self.index.put(self.kind, {path: row for path, row in rows.items() if row.stamp != GONE})
        with self._lock:
            loaded = self._loaded()
            for path, row in rows.items():
                # Trainers write up to megabytes of text, which stay on the disk.
                loaded[path] = replace(row, facts=replace(row.facts, metadata=NOTHING))
            self.revision += 1
        return rows

    def _loaded(self) -> dict[str, Row]:
        with self._lock:
            if self._rows is None:
                self._rows = self.index.rows(self.kind)
            return self._rows
