"""Which network files there are, and under which names prompts may mention them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modules.checkpoints.hashes import HashStore
from modules.checkpoints.tensors import read_header
from modules.foundation.errors import CheckpointError
from modules.networks.hashes import network_hash

log = logging.getLogger(__name__)

NetworkKind = Literal["lora", "hypernet"]
SUFFIXES: Mapping[NetworkKind, tuple[str, ...]] = {"lora": (".safetensors", ".pt", ".ckpt"), "hypernet": (".pt",)}
FORBIDDEN_ALIASES = frozenset({"", "none", "addams"})
"""Names that badly made files give themselves."""


@dataclass(frozen=True, kw_only=True)
class NetworkInfo:
    """A network file. `folder` is the one it was found under; `name` is how prompts mention it."""

    path: Path
    folder: Path
    kind: NetworkKind

    @property
    def name(self) -> str:
        """The file's name without suffix."""
        return self.path.stem

    @property
    def relative_name(self) -> str:
        """The path below the folder, without suffix and with slashes."""
        return self.path.relative_to(self.folder).with_suffix("").as_posix()


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a file says of itself. `problem` tells why it cannot be read; everything else is empty then."""

    metadata: Mapping[str, str]
    family: str | None = None
    problem: str | None = None


class NetworkCatalogue:
    """The networks in some folders. Thread-safe; folders are read when first asked for, headers only when needed.

    `folders` come with the kind of network that is in them; hashes are remembered in the file `hashes`.
    """

    def __init__(self, folders: Sequence[tuple[NetworkKind, Path]], hashes: Path) -> None:
        self.folders = tuple(folders)
        self._hashes = HashStore(hashes, network_hash)
        self._lock = threading.Lock()
        self._found: tuple[NetworkInfo, ...] | None = None
        self._described: dict[Path, tuple[tuple[int, int], Described]] = {}

    def all(self, kind: NetworkKind) -> tuple[NetworkInfo, ...]:
        """Every network of a kind, one of each name, sorted by name without regard to case."""
        with self._lock:
            if self._found is None:
                self._found = tuple(self._scan())
            return tuple(info for info in self._found if info.kind == kind)

    def refresh(self) -> None:
        """Read the folders again when next asked."""
        with self._lock:
            self._found = None

    def find(self, kind: NetworkKind, name: str) -> NetworkInfo | None:
        """The network that a prompt calls `name`: its file's name, its path below the folder, or its alias.

        The folders are read once more before giving up.
        """
        found = self._find(kind, name)
        if found is None:
            self.refresh()
            found = self._find(kind, name)
        return found

    def describe(self, info: NetworkInfo) -> Described:
        """What the file's header says; remembered until the file changes."""
        stamp = stamp_of(info.path)
        with self._lock:
            known = self._described.get(info.path)
        if known is not None and stamp is not None and known[0] == stamp:
            return known[1]
        described = _describe(info.path)
        if stamp is not None:
            with self._lock:
                self._described[info.path] = (stamp, described)
        return described

    def alias(self, info: NetworkInfo) -> str:
        """The name that the file's author gave it (`ss_output_name`), or the file's name where there is none."""
        return self.describe(info).metadata.get("ss_output_name") or info.name

    def preferred_name(self, info: NetworkInfo, preference: str) -> str:
        """How a tag should mention a network under the setting "lora_preferred_name", without ambiguous aliases."""
        alias = self.alias(info)
        if preference == "Filename" or alias.casefold() in FORBIDDEN_ALIASES:
            return info.name
        return alias if self._by_alias(info.kind, alias) == info else info.name

    def hash(self, info: NetworkInfo) -> str:
        """The network's hash, from its header if that has it. Raises OSError as the file system does."""
        return self.known_hash(info) or self._hashes.compute(info.path)

    def known_hash(self, info: NetworkInfo) -> str | None:
        """The network's hash if it can be told without reading the whole file."""
        return self.describe(info).metadata.get("sshs_model_hash") or self._hashes.known(info.path)

    def by_hash(self, short: str) -> NetworkInfo | None:
        """The first LoRA file whose hash is known and begins like this."""
        wanted = short.strip().casefold()
        if len(wanted) < 8:
            return None
        return next((info for info in self.all("lora") if (self.known_hash(info) or "").startswith(wanted)), None)

    def name_by_hash(self, short: str) -> str | None:
        """How a prompt can mention the network with this hash, or None."""
        info = self.by_hash(short)
        return None if info is None else self.preferred_name(info, "Alias from file")

    def _find(self, kind: NetworkKind, name: str) -> NetworkInfo | None:
        infos = self.all(kind)
        wanted = name.strip()
        for info in infos:
            if wanted in (info.name, info.relative_name):
                return info
        if kind == "lora" and (found := self._by_alias(kind, wanted)) is not None:
            return found
        folded = wanted.casefold()
        return next((info for info in infos if folded in (info.name.casefold(), info.relative_name.casefold())), None)

    def _by_alias(self, kind: NetworkKind, alias: str) -> NetworkInfo | None:
        if alias.casefold() in FORBIDDEN_ALIASES:
            return None
        matching = [info for info in self.all(kind) if self.alias(info) == alias]
        return matching[0] if len(matching) == 1 else None

    def _scan(self) -> Iterator[NetworkInfo]:
        found: dict[tuple[str, str], NetworkInfo] = {}
        for kind, folder in self.folders:
            for path in _files(folder, SUFFIXES[kind]):
                info = NetworkInfo(path=path, folder=folder, kind=kind)
                first = found.setdefault((kind, info.name), info)
                if first is not info and first.path.resolve() != path.resolve():
                    log.warning("Two networks are called %r; %s is used, not %s.", info.name, first.path, path)
        yield from sorted(found.values(), key=lambda info: (info.name.casefold(), info.name))


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Size and modification time of a file, None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def family_of(metadata: Mapping[str, str]) -> str | None:
    """The family of models that a file says it was trained for, or None where it does not tell."""
    architecture = metadata.get("modelspec.architecture", "").casefold()
    version = metadata.get("ss_base_model_version", "").casefold()
    for beginnings, family in (
        (("stable-diffusion-xl", "sdxl"), "SDXL"),
        (("stable-diffusion-v2", "sd_v2"), "SD2"),
        (("stable-diffusion-v1", "sd_v1"), "SD1"),
        (("stable-diffusion-3", "sd3"), "SD3"),
        (("flux",), "Flux"),
    ):
        if architecture.startswith(beginnings) or version.startswith(beginnings):
            return family
    return "SD2" if metadata.get("ss_v2") == "True" else None


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.casefold().endswith(suffixes) and not name.startswith("."):
                yield Path(parent) / name


def _describe(path: Path) -> Described:
    if path.suffix.casefold() != ".safetensors":
        return Described(metadata={})
    try:
        metadata = read_header(path).metadata
    except CheckpointError as error:
        return Described(metadata={}, problem=str(error))
    return Described(metadata=metadata, family=family_of(metadata))
