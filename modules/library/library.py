"""One index with everything that works on it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modules.foundation.version import VERSION
from modules.library.background import Background
from modules.library.collection import Collection
from modules.library.facts import Facts
from modules.library.folders import Found, ModelFolders
from modules.library.hashes import Hashes
from modules.library.import_hashes import import_hashes, roots_of
from modules.library.index import FileIndex

Folders = Callable[[], Sequence[Path]]
"""Asked each time: flags and settings say which they are, and settings change."""


class Library:
    """The index, its threads, the hashes and a collection for each kind of file. Building it touches no file.

    `cache` is the folder of the index; `data` the one where other programs' hashes may lie. `busy` tells whether a
    picture is being made, to which everything here gives way. `hidden` tells whether hidden folders are looked into.
    """

    def __init__(
        self,
        cache: Path,
        *,
        data: Path | None = None,
        busy: Callable[[], bool] = lambda: False,
        hidden: Callable[[], bool] = lambda: True,
    ) -> None:
        self.index = FileIndex(cache / "models.sqlite3")
        self._data, self._hidden = data or cache.parent, hidden
        self._background = Background("catalogue", busy)
        self._hasher, self._idle_hasher = Background("hash"), Background("idle-hash", busy)
        self.hashes = Hashes(self.index, self._hasher, self._idle_hasher)
        self.collections: dict[str, Collection] = {}

    def collect(
        self,
        kind: str,
        folders: Folders,
        suffixes: tuple[str, ...],
        describe: Callable[[Path], Facts],
        *,
        version: int = 1,
        name_of: Callable[[Found], str] | None = None,
        accepts: Callable[[str, str], bool] = lambda folder, name: True,
        takes_folders: bool = False,
        singles: Sequence[Path] = (),
    ) -> Collection:
        """The collection of one kind of file; see `ModelFolders` and `Collection` for what the arguments mean."""
        searched = ModelFolders(
            folders,
            suffixes,
            accepts=accepts,
            takes_folders=takes_folders,
            singles=singles,
            hidden=self._hidden,
        )
        named = {} if name_of is None else {"name_of": name_of}
        collection = Collection(
            kind,
            searched,
            self.index,
            self._background,
            describe,
            # Another release may tell more of the same files; reading headers again costs seconds, in the background.
            version=zlib.crc32(f"{VERSION} {version}".encode()),
            on_new=self.hashes.follow_renaming,
            **named,
        )
        self.collections[kind] = collection
        return collection

    def start(self) -> None:
        """Begin to find out what is new on the disk, behind everything else."""
        for collection in self.collections.values():
            collection.verify_soon()
        self._background.submit(self.import_hashes)

    def import_hashes(self) -> Mapping[Path, int]:
        """Take over hashes that A1111 computed of these files."""
        folders = [folder for collection in self.collections.values() for folder in collection.folders.folders()]
        files = {kind: collection.folders.files() for kind, collection in self.collections.items()}
        return import_hashes(self.index, self.hashes, roots_of(self._data, folders), files)

    def refresh(self) -> None:
        """Read every folder again when next asked."""
        for collection in self.collections.values():
            collection.refresh()

    def close(self) -> None:
        """End the threads and let go of the index."""
        for background in (self._background, self._hasher, self._idle_hasher):
            background.close()
        self.index.close()
