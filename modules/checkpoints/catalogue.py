"""Which checkpoints there are."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from modules.checkpoints.architectures.family import Family
from modules.checkpoints.families import FamilyRegistry
from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import CheckpointError, UnknownName
from modules.library.collection import Entry
from modules.library.facts import Facts
from modules.library.library import Folders, Library
from modules.library.names import folded, plain, split_title

log = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".ckpt")
VERSION = 1
"""Of what the index says of checkpoints; to be raised when files would be described differently."""

HASH_DIGITS = frozenset("0123456789abcdef")


class Catalogue:
    """The checkpoints of some folders and single files. Thread-safe; the list is read when first asked for.

    Changed folders are noticed whenever the list is read.
    """

    def __init__(
        self,
        library: Library,
        folders: Folders,
        files: Sequence[Path],
        starter: Path,
        families: FamilyRegistry | None = None,
    ) -> None:
        self._folders, self._starter = folders, starter
        self.families = families or FamilyRegistry()
        self.hashes = library.hashes
        self.collection = library.collect(
            "checkpoint",
            folders,
            SUFFIXES,
            self._describe,
            version=VERSION,
            name_of=lambda found: found.relative,
            accepts=lambda folder, name: not name.endswith(tuple(f".vae{suffix}" for suffix in SUFFIXES)),
            takes_folders=True,
            singles=(*(file.absolute() for file in files), starter),
        )
        self.families.observe(lambda: self.collection.describe_again(self.families.state))
        self._lock = threading.Lock()
        self._made: tuple[tuple[Entry, ...], object, tuple[CheckpointInfo, ...]] = ((), None, ())
        self._missed: set[str] = set()

    def all(self) -> tuple[CheckpointInfo, ...]:
        """Every checkpoint, by name, the starter model last so that it is never in the way of the user's own."""
        entries, revision = self.collection.entries(), self.hashes.revision
        with self._lock:
            if self._made[0] is not entries or self._made[1] != revision:
                infos = sorted(self._infos(entries), key=lambda info: info.is_starter)
                self._made = entries, revision, tuple(infos)
            return self._made[2]

    def refresh(self) -> tuple[CheckpointInfo, ...]:
        """Read the folders again."""
        self.collection.refresh()
        return self.all()

    def family_of(self, info: CheckpointInfo) -> Family:
        """A checkpoint's family, found out now if it is not known yet.

        A file that cannot be used has none; it counts as of the first family until loading it says what is wrong.
        """
        name = info.family or self.collection.facts(str(info.path)).family
        return self.families.find(name) or self.families.built_in[0]

    def note_problem(self, info: CheckpointInfo, problem: str | None) -> None:
        """Have the list show why a checkpoint could not be loaded until its file changes; None: it could."""
        self.collection.note_problem(str(info.path), problem)

    def find(self, name: str) -> CheckpointInfo:
        """The checkpoint called `name`: a title, a name with or without suffix or folder, a hash (short or whole).

        The folders are read once more before giving up. Raises UnknownName with the nearest names.
        """
        # Old hashes are told by headers, which may not have been read yet.
        is_old_hash = len(name.strip()) == 8 and HASH_DIGITS.issuperset(name.strip())
        for infos in (self.all, self.refresh, *((self._all_known,) if is_old_hash else ())):
            if (info := _match(name, infos())) is not None:
                return info
        raise UnknownName("checkpoint", name, (info.name for info in self.all()), "sd_model_checkpoint")

    def default(self) -> CheckpointInfo:
        """The checkpoint to begin with when none was chosen: the user's first sound one, else the starter model."""
        if infos := self.all() or self.refresh():
            return next((info for info in infos if info.problem is None), infos[0])
        folders = " or ".join(str(folder) for folder in self._folders())
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

    def _describe(self, path: Path) -> Facts:
        from modules.checkpoints.describe import describe_checkpoint

        return describe_checkpoint(path, self.families)

    def _all_known(self) -> tuple[CheckpointInfo, ...]:
        """Every checkpoint after all headers have been read."""
        self.collection.settle()
        return self.all()

    def _infos(self, entries: Sequence[Entry]) -> Iterator[CheckpointInfo]:
        starter = os.path.realpath(self._starter)
        seen: set[str] = set()
        for entry in sorted(entries, key=lambda entry: entry.first is not None):
            # One folder below another is searched twice; a link has a name of its own and stays.
            if entry.found.path in seen:
                continue
            seen.add(entry.found.path)
            path, facts = Path(entry.found.path), entry.facts
            yield CheckpointInfo(
                path=path,
                name=entry.name,
                sha256=self.hashes.known(path),
                is_starter=path.name == self._starter.name and os.path.realpath(path) == starter,
                size=entry.row.stamp[0] if entry.row is not None else None,
                family=facts.family,
                variant=facts.details.get("variant"),
                old_hash=facts.old_hash,
                problem=entry.problem,
            )


def _match(name: str, infos: Sequence[CheckpointInfo]) -> CheckpointInfo | None:
    wanted = name.strip()
    bare, digest = split_title(wanted)
    likely, likelier = plain(bare), folded(bare)
    exact = (
        lambda info: name in (info.title, info.name) or wanted in (info.title, info.name, str(info.path)),
        lambda info: _is_path_of(wanted, info),
        lambda info: bare in (info.name, info.model_name, info.name.rsplit(".", 1)[0]),
        lambda info: likely in map(plain, (info.name, info.model_name, info.name.rsplit(".", 1)[0])),
        lambda info: bare in (info.path.name, info.path.stem),
        lambda info: info.sha256 is not None and len(wanted) >= 8 and info.sha256.startswith(wanted.casefold()),
        lambda info: info.old_hash is not None and wanted.casefold() == info.old_hash,
        lambda info: bool(digest) and info.sha256 is not None and info.sha256.startswith(digest),
        lambda info: likelier in map(folded, (info.name, info.name.rsplit(".", 1)[0], info.model_name)),
        lambda info: likelier in map(folded, (info.path.name, info.path.stem)),
        lambda info: len(likelier) >= 3 and likelier in folded(info.title),
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
