"""Networks that read the picture for checkpoints which take more of it than its latent: loaded when first wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class PictureModelFolders:
    """Where parts are looked for that a checkpoint has not itself; the first folder is named to those who lack one."""

    depth: Sequence[Path]
    statistics: Sequence[Path]
