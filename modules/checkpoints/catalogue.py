"""Which checkpoints there are."""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from modules.checkpoints.hashes import HashStore
from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import CheckpointError, UnknownName

log = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".ckpt")


class Catalogue:
    """The checkpoints of some folders and single files. Thread-safe; the list is read when first asked for."""

    def __init__(self, folders: Sequence[Path], files: Sequence[Path], hashes: HashStore, starter: Path) -> None:
        self._folders, self._files, self._starter = tuple(folders), tuple(files), starter
        self.hashes = hashes
        self._lock = threading.Lock()
        self._found: tuple[CheckpointInfo, ...] | None = None
        self._missed: set[str] = set()

    def all(self) -> tuple[CheckpointInfo, ...]:
        """Every checkpoint, by name, the starter model last so that it is never in the way of the user's own."""
        with self._lock:
            if self._found is None:
                self._found = tuple(sorted(self._scan(), key=lambda info: (info.is_starter, info.name.casefold())))
            return tuple(self._with_hash(info) for info in self._found)

    def refresh(self) -> tuple[CheckpointInfo, ...]:
        """Read the folders again."""
        with self._lock:
            self._found = None
        return self.all()

    def find(self, name: str) -> CheckpointInfo:
        """The checkpoint called `name`: a title, a name with or without suffix or folder, a hash (short or whole).

        The folders are read once more before giving up. Raises UnknownName with the nearest names.
        """
        for infos in (self.all, self.refresh):
            if (info := _match(name, infos())) is not None:
                return info
        raise UnknownName("checkpoint", name, (info.name for info in self.all()), "sd_model_checkpoint")

    def default(self) -> CheckpointInfo:
        """The checkpoint to begin with when none was chosen: the user's first, else the starter model."""
        if infos := self.all() or self.refresh():
            return infos[0]
        folders = " or ".join(str(folder) for folder in self._folders)
        raise CheckpointError(f"There is no checkpoint. Put a .safetensors file into {folders} and refresh the list.")

    def chosen(self, name: str | None) -> CheckpointInfo:
        """The checkpoint that a stored setting names; the default one when it names none, or one that is gone."""
        if not name:
            return self.default()
        try:
            return self.find(name)
        except UnknownName as error:
            instead = self.default()
            if name not in self._missed:
                self._missed.add(name)
                log.warning("%s %s is used instead.", error, instead.name)
            return instead

    def _with_hash(self, info: CheckpointInfo) -> CheckpointInfo:
        return dataclasses.replace(info, sha256=self.hashes.known(info.path))

    def _scan(self) -> Iterator[CheckpointInfo]:
        seen: set[Path] = set()
        for folder in self._folders:
            for path in _models_below(folder):
                if (real := path.resolve()) not in seen:
                    seen.add(real)
                    yield self._info(path, path.relative_to(folder).as_posix())
        for path in (*self._files, self._starter):
            if path.exists() and (real := path.resolve()) not in seen:
                seen.add(real)
                yield self._info(path.absolute(), path.name)

    def _info(self, path: Path, name: str) -> CheckpointInfo:
        return CheckpointInfo(path=path, name=name, is_starter=path.resolve() == self._starter.resolve())


def _models_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, followlinks=True):
        here = Path(parent)
        # A diffusers folder is one checkpoint, not a folder of checkpoints.
        for name in sorted(name for name in folders if (here / name / "model_index.json").is_file()):
            folders.remove(name)
            yield here / name
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(SUFFIXES) and not name.endswith(".vae" + Path(name).suffix):
                yield here / name


def _match(name: str, infos: Sequence[CheckpointInfo]) -> CheckpointInfo | None:
    wanted = name.strip()
    bare = wanted.rsplit(" [", 1)[0]
    exact = (
        lambda info: wanted in (info.title, info.name, str(info.path)),
        lambda info: _is_path_of(wanted, info),
        lambda info: bare in (info.name, info.model_name, info.name.rsplit(".", 1)[0]),
        lambda info: bare in (info.path.name, info.path.stem),
        lambda info: info.sha256 is not None and len(wanted) >= 8 and info.sha256.startswith(wanted.casefold()),
        lambda info: bare.casefold() in (info.name.casefold(), info.model_name.casefold(), info.path.stem.casefold()),
        lambda info: len(bare) >= 3 and bare.casefold() in info.title.casefold(),
    )
    for rule in exact:
        if (found := next(filter(rule, infos), None)) is not None:
            return found
    return None


def _is_path_of(name: str, info: CheckpointInfo) -> bool:
    """Whether `name` is another way to the same file, through a linked folder say."""
    try:
        return Path(name).is_absolute() and info.path.samefile(name)
    except (OSError, ValueError):
        return False
