"""VAEs that were read from files of their own, kept so that choosing one again reads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.checkpoints.load_vae import load_vae
from modules.hardware.device import Hardware
from modules.library.facts import Stamp, stamp_of

if TYPE_CHECKING:
    from diffusers import AutoencoderKL


class VaeCache:
    """The VAEs used last, as many as asked for. Models that use one have it besides."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._kept: dict[Path, tuple[Stamp | None, AutoencoderKL]] = {}

    def get(self, path: Path, limit: int) -> AutoencoderKL:
        """The VAE in a file, read if it is not here or has changed; afterwards at most `limit` are kept.

        Raises CheckpointError as `load_vae` does.
        """
        stamp = stamp_of(path)
        known = self._kept.pop(path, None)
        vae = known[1] if known is not None and known[0] == stamp else load_vae(path, self._hardware)
        self._kept[path] = stamp, vae
        while len(self._kept) > limit:
            del self._kept[next(iter(self._kept))]
        return vae

    def clear(self) -> None:
        """Let go of all of them."""
        self._kept.clear()
