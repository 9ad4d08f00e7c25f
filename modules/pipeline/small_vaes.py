"""The small stand-ins for VAEs that the user has: found by A1111's file names, loaded when first wanted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from modules.checkpoints.architectures.family import Family
from modules.checkpoints.small_vae import LatentNetwork, load_approximation, load_tiny
from modules.foundation.errors import CheckpointError
from modules.hardware.device import Hardware

log = logging.getLogger(__name__)

SmallVaeKind = Literal["decoder", "encoder", "approximation"]

FOLDERS = ("VAE-approx", "VAE-taesd")
SUFFIXES = (".pth", ".pt", ".safetensors")


class SmallVaes:
    """Lives as long as the engine. What is missing is said once in the log."""

    def __init__(self, models: Path, hardware: Hardware) -> None:
        self._models, self._hardware = models, hardware
        self._loaded: dict[Path, LatentNetwork | None] = {}
        self._said: set[str] = set()

    def get(self, kind: SmallVaeKind, family: Family) -> LatentNetwork | None:
        """The network for checkpoints of this family; None when its file is not there or cannot be read."""
        path = None if family.small_vaes is None else self._find(getattr(family.small_vaes, kind))
        if path is None:
            self._say(self.missing(kind, family))
            return None
        if path not in self._loaded:
            channels = family.latents.channels
            try:
                if kind == "approximation":
                    self._loaded[path] = load_approximation(path, self._hardware, channels)
                else:
                    self._loaded[path] = load_tiny(path, self._hardware, channels, encoder=kind == "encoder")
            except CheckpointError as error:
                self._loaded[path] = None
                self._say(str(error))
        return self._loaded[path]

    def missing(self, kind: SmallVaeKind, family: Family) -> str:
        """A sentence that says which file is missing and where it belongs."""
        what = "The approximation of the VAE" if kind == "approximation" else f"TAESD's {kind}"
        if family.small_vaes is None:
            return f"{what} does not exist for {family}."
        name = getattr(family.small_vaes, kind) + (".pt" if kind == "approximation" else ".pth")
        folder = self._models / FOLDERS[0 if kind == "approximation" else 1]
        return f"{what} for {family} is not here: put {name} into {folder}."

    def _find(self, stem: str) -> Path | None:
        places: Sequence[Path] = [self._models / folder for folder in FOLDERS]
        candidates = (place / f"{stem}{suffix}" for place in places for suffix in SUFFIXES)
        return next((path for path in candidates if path.is_file()), None)

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            log.info("%s", sentence)
