"""Extras: what is to be done to pictures that are there already, and what came of each file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.errors import RequestError

if TYPE_CHECKING:
    from PIL import Image

NO_UPSCALER = "None"


@dataclass(frozen=True, kw_only=True)
class Upscaling:
    """Enlarge pictures, by `scale` or, with `width` and `height`, until they cover that size.

    `crop` cuts off what hangs over such a size. `max_side`, if not 0, is how long a side may become by `scale`.
    `second_visibility` is how much of the second upscaler's picture is mixed in, 0..1.
    """

    upscaler: str = NO_UPSCALER
    second_upscaler: str = NO_UPSCALER
    second_visibility: float = 0.0
    scale: float = 2.0
    width: int | None = None
    height: int | None = None
    crop: bool = True
    max_side: int = 0

    def __post_init__(self) -> None:
        """Raise RequestError, naming A1111's field, for what cannot be done to any picture."""
        if not 0 < self.scale < float("inf"):
            raise RequestError(f"upscaling_resize must be more than 0; it is {self.scale}.", "upscaling_resize")
        for name, size in (("upscaling_resize_w", self.width), ("upscaling_resize_h", self.height)):
            if size is not None and size < 1:
                raise RequestError(f"{name} must be at least 1; it is {size}.", name)
        if self.max_side < 0:
            raise RequestError(f"The max side length must be at least 0; it is {self.max_side}.", "max_side_length")
        _check_share("extras_upscaler_2_visibility", self.second_visibility)

    @property
    def to_size(self) -> tuple[int, int] | None:
        """The size to reach, or None where the scale counts."""
        return (self.width, self.height) if self.width is not None and self.height is not None else None

    def factor(self, size: tuple[int, int]) -> float:
        """By how much a picture of `size` is enlarged."""
        if (target := self.to_size) is not None:
            return max(target[0] / size[0], target[1] / size[1])
        longest = max(size)
        limited = self.max_side and longest * self.scale > self.max_side
        return self.max_side / longest if limited else self.scale


@dataclass(frozen=True, kw_only=True)
class FaceRestoring:
    """Restore faces with a restorer. `visibility` 0..1 is how much of it is seen; `weight` 0 changes faces most."""

    restorer: str
    visibility: float = 1.0
    weight: float | None = None

    def __post_init__(self) -> None:
        """Raise RequestError, naming A1111's field, for what lies outside its range."""
        _check_share(f"{self.restorer.lower()}_visibility", self.visibility)
        if self.weight is not None:
            _check_share(f"{self.restorer.lower()}_weight", self.weight)


@dataclass(frozen=True, kw_only=True)
class Captioning:
    """Describe pictures with each of the `models`, for a text file beside them."""

    models: tuple[str, ...]


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise RequestError(f"{name} must lie between 0 and 1; it is {value}.", name)


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A picture on its way through the steps.

    `done` is what has been done to it, label and value, as they are written. `tags` are added to its file's name.
    `caption` goes into a text file beside it. A `finished` one is left alone by further steps.
    """

    image: Image.Image
    done: Mapping[str, object] = field(default_factory=dict[str, object])
    tags: tuple[str, ...] = ()
    caption: str | None = None
    finished: bool = False

    def having(self, image: Image.Image, done: Mapping[str, object]) -> Piece:
        """The piece after another step."""
        return replace(self, image=image, done={**self.done, **done})


@dataclass(frozen=True, kw_only=True, eq=False)
class FurtherStep:
    """What else can be done: `work` makes one or several pieces of a piece.

    `begin` is called with each new picture before any step is taken. Both may raise EaselError.
    """

    name: str
    work: Callable[[Piece], Sequence[Piece]]
    begin: Callable[[Image.Image], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class FocalCrop:
    """Cut pictures to `width` x `height` around what matters in them: faces, edges, the part that tells most.

    Weights are 0..1. Faces are looked for where the detector's file is there. `debug` adds a picture that shows why.
    """

    width: int = 512
    height: int = 512
    face_weight: float = 0.9
    entropy_weight: float = 0.15
    edges_weight: float = 0.5
    debug: bool = False


ExtrasStep = Upscaling | FaceRestoring | FocalCrop | Captioning | FurtherStep


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasFiles:
    """Take `steps` with each of the `files`, or those of `input_folder`, and save what comes of it.

    Results go into `output_folder`, or where extras are saved. They are called as their sources where the settings say
    so and there are `several`, or where an output folder is given.
    """

    steps: tuple[ExtrasStep, ...]
    files: tuple[Path, ...] = ()
    input_folder: Path | None = None
    output_folder: Path | None = None
    several: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedExtra:
    """A finished picture in its file. `unsaved` holds the picture where no file could be written."""

    path: Path | None
    size: tuple[int, int]
    done: str
    infotext: str = ""
    unsaved: Image.Image | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasFile:
    """What came of one file. `error` says why nothing did, or why it is in no file."""

    source: Path
    saved: tuple[SavedExtra, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasResult:
    """All files that were come to; `total` is how many there were."""

    files: tuple[ExtrasFile, ...]
    total: int
    interrupted: bool = False
    skipped: int = 0

    @property
    def pictures(self) -> tuple[SavedExtra, ...]:
        """Every picture that came out."""
        return tuple(saved for file in self.files for saved in file.saved)

    @property
    def failed(self) -> tuple[ExtrasFile, ...]:
        """The files of which nothing came, or nothing that could be saved."""
        return tuple(file for file in self.files if file.error is not None)
