"""Doorway: `modules.hashes`."""

from __future__ import annotations

from modules.a1111.hashes import (
    addnet_hash_safetensors,
    calculate_sha256,
    calculate_sha256_real,
    sha256,
    sha256_from_cache,
)

__all__ = ["addnet_hash_safetensors", "calculate_sha256", "calculate_sha256_real", "sha256", "sha256_from_cache"]
