"""A network file as the lists show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

NetworkKind = Literal["lora", "hypernet"]


@dataclass(frozen=True, kw_only=True)
class NetworkInfo:
    """A network file. `folder` is the one it was found under; `name` is how prompts mention it."""

    path: Path
    folder: Path
    kind: NetworkKind

    @property
    def name(self) -> str:
        """The file's name without suffix."""
        return self.path.stem

    @property
    def relative_name(self) -> str:
        """The path below the folder, without suffix and with slashes."""
        return self.path.relative_to(self.folder).as_posix().removesuffix(self.path.suffix)
