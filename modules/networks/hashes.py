"""Hashes of network files as infotexts name them."""

from __future__ import annotations

import hashlib
from pathlib import Path

CHUNK = 4 * 1024 * 1024
SHORT = 12


def network_hash(path: Path) -> str:
    """Hex SHA-256 of a network: of a safetensors file's tensor data without the header, of any other file as a whole.

    A change of the metadata so leaves it the same. Kohya's scripts write it into the header as `sshs_model_hash`.
    Raises OSError as the file system does.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if path.suffix.casefold() == ".safetensors":
            file.seek(8 + int.from_bytes(file.read(8), "little"))
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def label(name: str) -> str:
    """A network's name without the signs that separate entries of "Lora hashes"."""
    return name.replace(":", "").replace(",", "")
