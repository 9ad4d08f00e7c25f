"""Captions for many pictures: what is asked, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ExistingCaption = Literal["Ignore", "Keep", "Prepend", "Append"]
"""What becomes of a caption that lies beside a picture already."""


@dataclass(frozen=True, kw_only=True)
class CaptionFiles:
    """Describe each of the `files`, or those of `input_folder`, by `model`.

    Texts go beside the pictures, or into `output_folder`.
    """

    model: str
    files: tuple[Path, ...] = ()
    input_folder: Path | None = None
    output_folder: Path | None = None


@dataclass(frozen=True, kw_only=True)
class CaptionResult:
    """The texts that were written, and why others were not, by picture."""

    written: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    total: int
    interrupted: bool = False
