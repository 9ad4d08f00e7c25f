"""A checkpoint file as the lists show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """One checkpoint on disk. `name` is its path below its folder, with the suffix, as A1111 names it.

    `sha256` is None until it has been computed (see `library.hashes`). What its header says is None as long as it
    has looked: `size` in bytes, `family`, `variant` ("inpainting", "instruct-pix2pix"), `old_hash` (A1111's first,
    eight-digit one) and `problem`, why it cannot be used.
    """

    path: Path
    name: str
    sha256: str | None = None
    is_starter: bool = False
    size: int | None = field(default=None, compare=False)
    family: str | None = field(default=None, compare=False)
    variant: str | None = field(default=None, compare=False)
    old_hash: str | None = field(default=None, compare=False)
    problem: str | None = field(default=None, compare=False)

    @property
    def model_name(self) -> str:
        """The name without its suffix, folders joined by "_": what stands in a picture's parameters."""
        return self.name.rsplit(".", 1)[0].replace("/", "_").replace("\\", "_") if not self.path.is_dir() else self.name

    @property
    def short_hash(self) -> str | None:
        """The first ten digits of the sha256, A1111's short hash."""
        return self.sha256[:10] if self.sha256 else None

    @property
    def title(self) -> str:
        """The name followed by the short hash in brackets, as soon as that is known."""
        return f"{self.name} [{self.short_hash}]" if self.sha256 else self.name

    @property
    def sidecar(self) -> Path:
        """Where a .yaml in the original LDM form would lie."""
        return self.path.with_suffix(".yaml")
