"""VAEs in files of their own: which there are, and which one belongs to a checkpoint."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.checkpoints.info import CheckpointInfo
from modules.foundation.errors import UnknownName

log = logging.getLogger(__name__)

AUTOMATIC, NONE = "Automatic", "None"
SUFFIXES = (".safetensors", ".ckpt", ".pt")


@dataclass(frozen=True, kw_only=True)
class VaeInfo:
    """One VAE file. `name` is the file's name, with its suffix, as A1111 has it."""

    path: Path
    name: str

    @property
    def stem(self) -> str:
        """The name without suffix, and without the `.vae` before it."""
        return self.name.rsplit(".", 1)[0].removesuffix(".vae")


class VaeCatalogue:
    """The VAE files in folders of their own, and those called `name.vae.*` among the checkpoints. Thread-safe."""

    def __init__(self, folders: Sequence[Path], checkpoint_folders: Sequence[Path]) -> None:
        self._folders, self._checkpoint_folders = tuple(folders), tuple(checkpoint_folders)
        self._lock = threading.Lock()
        self._found: tuple[VaeInfo, ...] | None = None

    def all(self) -> tuple[VaeInfo, ...]:
        """Every VAE by name. Of several with one name the first is called so, the others by their path."""
        with self._lock:
            if self._found is None:
                self._found = tuple(sorted(self._scan(), key=lambda info: info.name.casefold()))
            return self._found

    def refresh(self) -> tuple[VaeInfo, ...]:
        """Read the folders again."""
        with self._lock:
            self._found = None
        return self.all()

    def find(self, name: str) -> VaeInfo:
        """The VAE called `name`, with or without suffix. The folders are read once more before giving up.

        Raises UnknownName with the nearest names.
        """
        wanted = name.strip().casefold()
        for infos in (self.all, self.refresh):
            for info in infos():
                names = (info.name.casefold(), info.name.casefold().rsplit(".", 1)[0], str(info.path).casefold())
                if wanted in names and info.path.is_file():
                    return info
        raise UnknownName("VAE", name, (AUTOMATIC, NONE, *(info.name for info in self.all())), "sd_vae")

    def choose(self, setting: str, checkpoint: CheckpointInfo, *, overrides: bool = True) -> VaeInfo | None:
        """The VAE to use with `checkpoint`; None for its own.

        `setting` is a name, "None" for the checkpoint's own, or "Automatic": what the checkpoint's user metadata names,
        else a file whose name begins with the checkpoint's. With `overrides` another setting than "Automatic" goes
        before the metadata. Raises UnknownName for a name that nobody has.
        """
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

    def _scan(self) -> Iterator[VaeInfo]:
        names: set[str] = set()
        for path in self._files():
            name = path.name if path.name not in names else str(path)
            names.add(name)
            yield VaeInfo(path=path, name=name)

    def _files(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for folders, all_of_them in ((self._folders, True), (self._checkpoint_folders, False)):
            for folder in folders:
                for path in sorted(folder.rglob("*")):
                    is_vae = all_of_them or path.stem.endswith(".vae")
                    if path.suffix in SUFFIXES and is_vae and path.is_file() and (real := path.resolve()) not in seen:
                        seen.add(real)
                        yield path


def _preference(checkpoint: CheckpointInfo) -> str:
    """What the checkpoint's user metadata (`name.json` beside it) says of its VAE."""
    path = checkpoint.path.with_suffix(".json")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return AUTOMATIC
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s", path, error)
        return AUTOMATIC
    name = said.get("vae") if isinstance(said, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return name if isinstance(name, str) and name else AUTOMATIC
