"""Which models' latents mean the same."""

from __future__ import annotations


def same_latents(family: str, other: str) -> bool:
    """Whether latents of one family of checkpoints can be given to another: SDXL has a VAE of its own."""
    return family.startswith("SDXL") == other.startswith("SDXL")
