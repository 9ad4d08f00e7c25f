"""The hashes by which people name model files. Each raises OSError as the file system does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from modules.library.folders import DIFFUSERS_INDEX

Algorithm = Literal["sha256", "addnet"]

CHUNK = 4 * 1024 * 1024
SHORT, SHORT_NETWORK = 10, 12
"""Digits of the hashes in infotext: of checkpoints (Civitai's AutoV2), of networks and embeddings (AutoV3)."""

OLD_OFFSET, OLD_LENGTH = 0x100000, 0x10000

Breathe = Callable[[], None]


def sha256_of(path: Path, breathe: Breathe = lambda: None) -> str:
    """Hex SHA-256 of a file; of a folder (diffusers form), of its model_index.json.

    `breathe` is called after each few megabytes and may raise to end it.
    """
    return _digest(path / DIFFUSERS_INDEX if path.is_dir() else path, breathe, past_header=False)


def addnet_hash(path: Path, breathe: Breathe = lambda: None) -> str:
    """Hex SHA-256 of a network: of a safetensors file's tensor data without the header, of any other file as a whole.

    A change of the metadata so leaves it the same. Kohya's scripts write it into the header as `sshs_model_hash`.
    """
    return _digest(path, breathe, past_header=path.suffix.casefold() == ".safetensors")


def old_hash(path: Path) -> str:
    """A1111's first hash of a checkpoint, eight digits over 64 KiB that begin one mebibyte into the file."""
    with path.open("rb") as file:
        file.seek(OLD_OFFSET)
        return hashlib.sha256(file.read(OLD_LENGTH)).hexdigest()[:8]


def _digest(path: Path, breathe: Breathe, *, past_header: bool) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    with path.open("rb", buffering=0) as file:
        if past_header:
            file.seek(8 + int.from_bytes(file.read(8), "little"))
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            breathe()
    return digest.hexdigest()


DIGESTS: Mapping[Algorithm, Callable[[Path, Breathe], str]] = {"sha256": sha256_of, "addnet": addnet_hash}
