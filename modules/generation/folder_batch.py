"""img2img over many files: what was asked, and what came of each file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modules.foundation.errors import RequestError
from modules.generation.inpaint import InpaintOptions
from modules.generation.request import GenerationRequest
from modules.generation.result import FinishedImage

PNG_INFO_PROPERTIES = ("Prompt", "Negative prompt", "Seed", "CFG scale", "Sampler", "Steps", "Model hash")
"""What may be taken from the parameters of each file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FolderBatch:
    """Make `request`, which has no pictures of its own, from each picture file.

    The files are those of `input_folder`, or `files`. Results go into `output_folder` under the names of their files,
    or where img2img saves. With `mask_folder` each file has a mask of its name there, or all of them the only one.
    `png_info` names what each file's parameters replace in the request (prompts are appended); they are read from the
    file itself or from that of its name in `png_info_folder`. With `scale` the results are that much larger than their
    files, and the request's size does not matter.
    """

    request: GenerationRequest
    input_folder: Path | None = None
    files: tuple[Path, ...] = ()
    output_folder: Path | None = None
    mask_folder: Path | None = None
    inpaint: InpaintOptions | None = None
    png_info: tuple[str, ...] = ()
    png_info_folder: Path | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        """Raise RequestError, naming the field, for what cannot be done."""
        if unknown := [name for name in self.png_info if name not in PNG_INFO_PROPERTIES]:
            known = ", ".join(PNG_INFO_PROPERTIES)
            raise RequestError(f"png_info_props does not know {unknown[0]!r}. Known: {known}.", "png_info_props")
        if self.scale is not None and not 0.05 <= self.scale <= 16:
            raise RequestError(f"scale_by must lie between 0.05 and 16; it is {self.scale}.", "scale_by")


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchFile:
    """What came of one file. `error` says why nothing did."""

    source: Path
    saved: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class FolderBatchResult:
    """All files that were come to; `total` is how many there were, `images` the first results, as the settings say."""

    files: tuple[BatchFile, ...]
    total: int
    images: tuple[FinishedImage, ...] = ()
    interrupted: bool = False

    @property
    def failed(self) -> tuple[BatchFile, ...]:
        """The files of which nothing came."""
        return tuple(file for file in self.files if file.error is not None)
