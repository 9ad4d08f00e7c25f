"""SHA-256 of model files, computed once per file and remembered by path, size and modification time."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from modules.foundation.atomic import write_json

log = logging.getLogger(__name__)

CHUNK = 4 * 1024 * 1024


class HashStore:
    """Remembers hashes in a JSON file. Losing the file costs time, nothing else.

    `digest` computes one; all hashes of a store are of one kind.
    """

    def __init__(self, path: Path, digest: Callable[[Path], str] | None = None) -> None:
        self._path, self._digest = path, digest or sha256_of
        self._lock = threading.Lock()
        self._known: dict[str, list[object]] | None = None

    def known(self, path: Path) -> str | None:
        """The hash of `path` if it was computed before and the file has not changed since. Reads no model file."""
        stamp = _stamp(path)
        with self._lock:
            entry = self._entries().get(str(path))
        return str(entry[2]) if entry is not None and stamp is not None and entry[:2] == stamp else None

    def compute(self, path: Path) -> str:
        """The hash of `path`, read from the file if it is not known yet. Raises OSError as the file system does."""
        if (digest := self.known(path)) is not None:
            return digest
        stamp = _stamp(path)
        digest = self._digest(path)
        if stamp is not None:
            with self._lock:
                self._entries()[str(path)] = [*stamp, digest]
                self._write()
        return digest

    def _entries(self) -> dict[str, list[object]]:
        if self._known is None:
            try:
                self._known = json.loads(self._path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                self._known = {}
            except (OSError, ValueError) as error:
                log.warning("The hash cache %s cannot be read (%s); hashes will be computed again.", self._path, error)
                self._known = {}
        assert self._known is not None
        return self._known

    def _write(self) -> None:
        try:
            write_json(self._path, self._known)
        except OSError as error:
            log.warning("The hash cache %s cannot be written: %s", self._path, error)


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file; of a folder (diffusers form), of its model_index.json."""
    digest = hashlib.sha256()
    with (path / "model_index.json" if path.is_dir() else path).open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _stamp(path: Path) -> list[object] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
