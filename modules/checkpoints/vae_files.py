"""VAEs in files of their own: which there are, and which one belongs to a checkpoint."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import UnknownName
from modules.library.collection import Entry
from modules.library.facts import Facts
from modules.library.folders import natural_key
from modules.library.library import Folders, Library
from modules.library.names import folded, split_title
from modules.library.sidecars import user_metadata_of

log = logging.getLogger(__name__)

AUTOMATIC, NONE = "Automatic", "None"
SUFFIXES = (".safetensors", ".ckpt", ".pt")
VERSION = 1
"""Of what the index says of VAEs; to be raised when files would be described differently."""


@dataclass(frozen=True, kw_only=True)
class VaeInfo:
    """One VAE file. `name` is the file's name, with its suffix, as A1111 has it.

    `size` in bytes and `problem`, why it cannot be used, are None until its header has been read.
    """

    path: Path
    name: str
    size: int | None = field(default=None, compare=False)
    problem: str | None = field(default=None, compare=False)

    @property
    def stem(self) -> str:
        """The name without suffix, and without the `.vae` before it."""
        return self.name.rsplit(".", 1)[0].removesuffix(".vae")


class VaeCatalogue:
    """The VAE files in folders of their own, and those called `name.vae.*` among the checkpoints. Thread-safe."""

    def __init__(
        self, library: Library, folders: Folders, checkpoint_folders: Folders, always: Path | None = None
    ) -> None:
        """`always` is the file that --vae-path names, used whatever else is chosen."""
        self._folders, self._checkpoint_folders, self._always = folders, checkpoint_folders, always
        self._lock = threading.Lock()
        self._made: tuple[tuple[Entry, ...], tuple[VaeInfo, ...]] = ((), ())
        self.collection = library.collect(
            "vae",
            lambda: (*folders(), *checkpoint_folders()),
            SUFFIXES,
            _describe,
            version=VERSION,
            # Two of one name can both be chosen, the second by its path.
            name_of=lambda found: found.path,
            accepts=self._is_vae,
            singles=() if always is None else (always,),
        )

    def all(self) -> tuple[VaeInfo, ...]:
        """Every VAE by name. Of several with one name the first is called so, the others by their path."""
        entries = self.collection.entries()
        with self._lock:
            if self._made[0] is not entries:
                files = self.collection.files()
                order = {found.path: index for index, found in enumerate(files)}
                infos = self._infos(sorted(entries, key=lambda entry: order.get(entry.found.path, len(order))))
                self._made = entries, tuple(sorted(infos, key=lambda info: natural_key(info.name)))
            return self._made[1]

    def refresh(self) -> tuple[VaeInfo, ...]:
        """Read the folders again."""
        self.collection.refresh()
        return self.all()

    def find(self, name: str) -> VaeInfo:
        """The VAE called `name`, with or without suffix. The folders are read once more before giving up.

        Raises UnknownName with the nearest names.
        """
        for infos in (self.all, self.refresh):
            if (found := _match(name, infos())) is not None:
                return found
        raise UnknownName("VAE", name, (AUTOMATIC, NONE, *(info.name for info in self.all())), "sd_vae")

    def choose(self, setting: str, checkpoint: CheckpointInfo, *, overrides: bool = True) -> VaeInfo | None:
        """The VAE to use with `checkpoint`; None for its own.

        `setting` is a name, "None" for the checkpoint's own, or "Automatic": what the checkpoint's user metadata names,
        else a file whose name begins with the checkpoint's. With `overrides` another setting than "Automatic" goes
        before the metadata. Raises UnknownName for an unknown name.
        """
        if self._always is not None:
            return VaeInfo(path=self._always, name=self._always.name)
        if overrides and setting != AUTOMATIC:
            return self._named(setting)
        preferred = _preference(checkpoint)
        if preferred != AUTOMATIC:
            return self._named(preferred)
        beside = self._beside(checkpoint)
        return beside if beside is not None or setting == AUTOMATIC else self._named(setting)

    def _named(self, name: str) -> VaeInfo | None:
        return None if name == NONE else self.find(name)

    def _beside(self, checkpoint: CheckpointInfo) -> VaeInfo | None:
        """The VAE that is called like the checkpoint, best of all exactly so."""
        stem = checkpoint.path.name if checkpoint.path.is_dir() else checkpoint.path.stem
        # Looked for by itself: a file that was put there a moment ago need not wait for a refresh.
        for path in (checkpoint.path.parent / f"{stem}.vae{suffix}" for suffix in SUFFIXES):
            if path.is_file():
                return VaeInfo(path=path, name=path.name)
        alike = [info for info in self.all() if info.path.name.startswith(stem) and info.path.is_file()]
        return min(alike, key=lambda info: (info.stem != stem, len(info.name)), default=None)

    def _is_vae(self, folder: str, name: str) -> bool:
        """Whether a file is one: every file in VAE folders, those called `name.vae.*` among checkpoints."""
        return name.rsplit(".", 1)[0].endswith(".vae") or folder in map(str, self._folders())

    def _infos(self, entries: Sequence[Entry]) -> Iterator[VaeInfo]:
        names: set[str] = set()
        seen: set[str] = set()
        for entry in entries:
            # The same file in a linked folder is the same VAE; a link of another name is one by itself.
            real = os.path.join(os.path.realpath(entry.found.path), entry.found.name)  # noqa: PTH118
            if real not in seen:
                seen.add(real)
                name = entry.found.name if entry.found.name not in names else entry.found.path
                names.add(name)
                size = entry.row.stamp[0] if entry.row is not None else None
                yield VaeInfo(path=Path(entry.found.path), name=name, size=size, problem=entry.problem)


def _match(name: str, infos: Sequence[VaeInfo]) -> VaeInfo | None:
    """By name, with or without suffix; by path; by the end of a path, in which A1111's users know folders."""
    wanted = folded(split_title(name)[0])
    rules = (
        lambda info: name in (info.name, str(info.path)),
        lambda info: wanted in (folded(info.name), folded(info.name.rsplit(".", 1)[0]), folded(str(info.path))),
        lambda info: any(folded(each).endswith(f"/{wanted}") for each in (str(info.path), _without_suffix(info.path))),
        lambda info: "/" in wanted and wanted.rsplit("/", 1)[1] in (folded(info.path.name), folded(info.path.stem)),
    )
    present = [info for info in infos if info.path.is_file()]
    return next((found for rule in rules if (found := next(filter(rule, present), None)) is not None), None)


def _without_suffix(path: Path) -> str:
    return str(path).removesuffix(path.suffix)


def _describe(path: Path) -> Facts:
    from modules.checkpoints.describe import describe_vae

    return describe_vae(path)


def _preference(checkpoint: CheckpointInfo) -> str:
    """What the checkpoint's user metadata (`name.json` beside it) says of its VAE."""
    name = user_metadata_of(str(checkpoint.path)).get("vae")
    return name if isinstance(name, str) and name else AUTOMATIC
