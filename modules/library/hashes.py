"""Hashes of model files: computed once for each file, on a thread of their own, and remembered in the index."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path

from modules.library.background import Background
from modules.library.digests import DIGESTS, Algorithm
from modules.library.facts import Row, Stamp, identity_of, stamp_of
from modules.library.index import FileIndex

KnownHashes = dict[str, tuple[Stamp, str]]


class Hashes:
    """What the index knows of hashes, and the means to compute more. Thread-safe."""

    def __init__(self, index: FileIndex, background: Background, idle: Background | None = None) -> None:
        """`background` computes hashes that a picture waits for, `idle` all others."""
        self._index, self._background, self._idle = index, background, idle or background
        self._lock = threading.Lock()
        self._known: dict[Algorithm, KnownHashes] = {}
        self._read_at: tuple[int, int] | None = None
        self._begun: dict[tuple[str, Algorithm, Stamp, bool], Future[str]] = {}

    @property
    def revision(self) -> object:
        """A value that changes when a hash becomes known, in this process or another one."""
        return self._index.hash_revision

    def known(self, path: Path, algorithm: Algorithm = "sha256") -> str | None:
        """The hash of a file if it was computed before and the file has not changed since."""
        stamp = stamp_of(path)
        return None if stamp is None else self.of_stamp(str(path), stamp, algorithm)

    def of_stamp(self, path: str, stamp: Stamp, algorithm: Algorithm = "sha256") -> str | None:
        """The hash of a file that has this stamp, if it is known. Does not look at the file."""
        found = self.all(algorithm).get(path)
        return found[1] if found is not None and found[0] == stamp else None

    def all(self, algorithm: Algorithm = "sha256") -> KnownHashes:
        """Every known hash by path, each with the stamp that the file had."""
        revision = self._index.hash_revision
        with self._lock:
            if self._read_at != revision:
                self._known, self._read_at = {}, revision
            if algorithm not in self._known:
                self._known[algorithm] = self._index.hashes(algorithm)
            return self._known[algorithm]

    def begin(self, path: Path, algorithm: Algorithm = "sha256", *, idly: bool = False) -> Future[str]:
        """Have a hash computed in the background. One that is known is there at once.

        `idly` is for those without a waiter: they never delay others.
        """
        if (digest := self.known(path, algorithm)) is not None:
            future: Future[str] = Future()
            future.set_result(digest)
            return future
        key = (str(path), algorithm, stamp_of(path) or (-1, -1), idly)
        with self._lock:
            self._begun = {key: future for key, future in self._begun.items() if not future.done()}
            if key not in self._begun:
                background = self._idle if idly else self._background
                self._begun[key] = background.submit(lambda: self._compute(path, algorithm, background))
            return self._begun[key]

    def compute(self, path: Path, algorithm: Algorithm = "sha256") -> str:
        """The hash of a file; waits for it where it is not known. Raises OSError as the file system does."""
        return self.begin(path, algorithm).result()

    def remember(self, algorithm: Algorithm, hashes: Iterable[tuple[Path, str]]) -> int:
        """Take hashes that another program computed of files as they are now. Returns how many files are there."""
        records = [
            (str(path), stamp, inode, digest)
            for path, digest in hashes
            for stamp, inode in (identity_of(path),)
            if stamp is not None
        ]
        self._index.put_hashes(algorithm, records)
        return len(records)

    def follow_renaming(self, rows: Mapping[str, Row]) -> None:
        """Give files that were found under new names the hashes that they had under their old ones."""
        for algorithm in DIGESTS:
            known = self.all(algorithm)
            moved = [
                (path, row.stamp, row.inode, digest)
                for path, row in rows.items()
                if path not in known and (digest := self._before_renaming(algorithm, row.stamp, row.inode))
            ]
            if moved:
                self._index.put_hashes(algorithm, moved)

    def _compute(self, path: Path, algorithm: Algorithm, background: Background) -> str:
        if (digest := self.known(path, algorithm)) is not None:
            return digest
        stamp, inode = identity_of(path)
        digest = self._before_renaming(algorithm, stamp, inode) or DIGESTS[algorithm](path, background.breathe)
        if stamp is not None and stamp_of(path) == stamp:
            self._index.put_hashes(algorithm, [(str(path), stamp, inode, digest)])
        return digest

    def _before_renaming(self, algorithm: Algorithm, stamp: Stamp | None, inode: int) -> str | None:
        """The hash that the very same file had under a name that is gone."""
        if stamp is None:
            return None
        renamed = self._index.hash_before_renaming(algorithm, stamp, inode)
        return next((digest for name, digest in renamed if not Path(name).exists()), None)
