"""A textual inversion (Gal et al. 2022): learned vectors that stand for a word of a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modules.library.digests import SHORT_NETWORK

if TYPE_CHECKING:
    from torch import Tensor

IMAGE_SUFFIXES = frozenset({".png", ".webp", ".jxl", ".avif"})
NO_EMBEDDING = "picture"
"""The detail by which the index tells a picture without an embedding in it, which is not an error."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TextualInversion:
    """One embedding.

    `tensors` holds vectors [n, width] by the text encoder they are for ("clip_l", "clip_g"); files made for a model
    with a single encoder have theirs under "". `step`, `checkpoint_hash` and `checkpoint_name` tell of its training.
    One without a file of its own has the name of what it came with for `digest`.
    """

    name: str
    tensors: Mapping[str, Tensor]
    path: Path | None = None
    digest: str = ""
    step: int | None = None
    checkpoint_hash: str | None = None
    checkpoint_name: str | None = None

    @property
    def vectors(self) -> int:
        """How many tokens it takes up."""
        return max(len(tensor) for tensor in self.tensors.values())

    @property
    def width(self) -> int:
        """The length of its vectors, those for several encoders added up."""
        return sum(tensor.shape[-1] for tensor in self.tensors.values())

    @property
    def short_hash(self) -> str:
        """The short hash that infotexts name."""
        return self.digest[:SHORT_NETWORK] if self.path is not None else self.digest

    def fits(self, widths: Mapping[str, int]) -> bool:
        """Whether it was made for a model whose encoders have these names and widths."""
        found = {key: tensor.shape[-1] for key, tensor in self.tensors.items()}
        return found == dict(widths) or (len(widths) == 1 and found == {"": next(iter(widths.values()))})

    def vectors_for(self, encoder: str) -> Tensor:
        """The vectors for one encoder, [n, width]."""
        return self.tensors[encoder] if encoder in self.tensors else self.tensors[""]
