"""Names of networks as "Lora hashes" has them."""

from __future__ import annotations


def label(name: str) -> str:
    """A network's name without the signs that separate entries of "Lora hashes"."""
    return name.replace(":", "").replace(",", "")
