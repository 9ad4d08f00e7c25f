"""What came of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from modules.foundation.plain import JsonMapping
from modules.generation.request import GenerationRequest


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedImage:
    """One picture with the text that makes it again. `path` is None when it was not (or could not be) saved.

    `kind` is "sample" or "grid", or what belongs to the sample before it: "mask", "mask-composite". `error` says why a
    picture that should have been saved was not; it is still here. Where the disk was full, `save_again` saves it and
    gives it with its path, or raises SaveError once more.
    """

    image: Image.Image
    infotext: str
    seed: int
    subseed: int
    prompt: str
    negative_prompt: str
    kind: str = "sample"
    path: Path | None = None
    error: str | None = None
    save_again: Callable[[], FinishedImage] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class GenerationResult:
    """All pictures of a request. `info` holds the fields of A1111's `info` object, `warnings` sentences for the user,
    `seconds` where the time went, by phase; `interrupted` tells that fewer pictures came than were asked for."""

    images: tuple[FinishedImage, ...]
    info: JsonMapping
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    interrupted: bool = False
    peak_device_bytes: int = 0

    @property
    def samples(self) -> tuple[FinishedImage, ...]:
        """The pictures without grids."""
        return tuple(image for image in self.images if image.kind == "sample")


Generate = Callable[[GenerationRequest], GenerationResult]
"""What makes the pictures of a request."""
