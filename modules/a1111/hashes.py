"""What stands in `modules.hashes`: hashes of model files, remembered until a file changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modules.a1111.current import current
from modules.library.digests import Algorithm


def _algorithm(use_addnet_hash: bool) -> Algorithm:
    return "addnet" if use_addnet_hash else "sha256"


def sha256(filename: str, title: str = "", use_addnet_hash: bool = False) -> str | None:
    """The hash of a file, computed where it is not known; None where it cannot be read."""
    try:
        return current().app.library.hashes.compute(Path(filename), _algorithm(use_addnet_hash))
    except OSError:
        return None


def sha256_from_cache(filename: str, title: str = "", use_addnet_hash: bool = False) -> str | None:
    """The hash of a file if it is known, else None."""
    return current().app.library.hashes.known(Path(filename), _algorithm(use_addnet_hash))


def calculate_sha256(filename: str) -> str:
    """The hash of any file. Raises OSError as the file system does."""
    with Path(filename).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def calculate_sha256_real(filename: str) -> str:
    """The same."""
    return calculate_sha256(filename)


def addnet_hash_safetensors(b: Any) -> str:
    """The hash of a safetensors file's tensors, from an open file."""
    length = int.from_bytes(b.read(8), "little")
    b.seek(8 + length)
    digest = hashlib.sha256()
    while block := b.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
