"""Extras: pictures that are there already, enlarged, with their faces restored, or whatever else steps do."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from modules.foundation.errors import Interrupted, RequestError
from modules.generation.extras import (
    Captioning,
    ExtrasStep,
    FaceRestoring,
    FocalCrop,
    FurtherStep,
    Piece,
    Upscaling,
)
from modules.generation.progress import RunControl
from modules.generation.request import MOST_SCALE
from modules.generation.size_limits import SizeLimits
from modules.imaging.dataset_crops import edge_interest, entropy_interest, face_interest, focal_crop, focus_of, marked
from modules.imaging.encode import PictureText
from modules.imaging.resize import upscaled_size, with_colours
from modules.imaging.resize_in_bands import resize_in_bands
from modules.infotext.picture_metadata import PARAMETERS, kept_exif, read_picture_metadata
from modules.infotext.quoting import quote
from modules.interrogate.options import InterrogateOptions

if TYPE_CHECKING:
    from modules.pipeline.engine import Engine
    from modules.settings.model import Settings

POSTPROCESSING = "postprocessing"
"""The name under which a PNG holds what was done here."""

LIMITS = SizeLimits(side=2**18, pixels=16384 * 16384)
"""A larger result is not held in memory; it is written row by row, where the steps allow that."""

TOGETHER = 2
"""How many of the largest results those of one request may be together, which are all held until they are answered."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasRequest:
    """What is to be done to each picture; the values of A1111's extras API, described in `generation/extras.py`."""

    images: tuple[Image.Image, ...]
    scale: float = 2.0
    width: int | None = None
    height: int | None = None
    crop: bool = True
    upscaler: str = "None"
    second_upscaler: str = "None"
    second_visibility: float = 0.0
    gfpgan_visibility: float = 0.0
    codeformer_visibility: float = 0.0
    codeformer_weight: float = 0.0
    upscale_first: bool = False

    def __post_init__(self) -> None:
        """Raise RequestError, naming A1111's field, for what cannot be done to any picture."""
        if not self.images:
            raise RequestError("There is no picture to work on.", "imageList")
        _ = self.steps

    @property
    def steps(self) -> tuple[ExtrasStep, ...]:
        """What is done, in order."""
        upscaling = Upscaling(
            upscaler=self.upscaler,
            second_upscaler=self.second_upscaler,
            second_visibility=self.second_visibility,
            scale=self.scale,
            width=self.width,
            height=self.height,
            crop=self.crop,
        )
        faces = (
            FaceRestoring(restorer="GFPGAN", visibility=self.gfpgan_visibility),
            FaceRestoring(restorer="CodeFormer", visibility=self.codeformer_visibility, weight=self.codeformer_weight),
        )
        return (upscaling, *faces) if self.upscale_first else (*faces, upscaling)


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasImage:
    """A finished picture: `done` says what was done to it, `text` is what its file carries."""

    image: Image.Image
    done: str
    text: PictureText
    tags: tuple[str, ...] = ()
    caption: str | None = None


def run_extras(request: ExtrasRequest, engine: Engine, control: RunControl) -> tuple[ExtrasImage, ...]:
    """Work on each picture of a request.

    Names are looked up before any work is done. Interrupting keeps the pictures that are finished, perhaps none.
    Raises RequestError, CheckpointError, OutOfMemory.
    """
    stages = stages_of(request.steps, engine, engine.settings.current, control)
    for step in request.steps:
        if isinstance(step, Upscaling) and engine.upscalers.find(step.upscaler).method != "none":
            check_sizes([image.size for image in request.images], step)
    control.begin(len(request.images) * max(len(stages), 1))
    finished: list[ExtrasImage] = []
    with contextlib.suppress(Interrupted):
        for index, image in enumerate(request.images):
            finished += worked(image, index, stages, control)
    control.at_phase("done")
    return tuple(finished)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A step whose names are looked up, ready to work."""

    work: Callable[[Piece], Sequence[Piece]]
    begin: Callable[[Image.Image], None] = lambda _: None


def worked(image: Image.Image, index: int, stages: Sequence[Stage], control: RunControl) -> list[ExtrasImage]:
    """What comes of picture `index`, which keeps its texts. Raises as `run_extras` does, and Interrupted."""
    carried = read_picture_metadata(image)
    upright = with_colours(ImageOps.exif_transpose(image))
    pieces = [Piece(image=upright)]
    for stage in stages:
        stage.begin(upright)
    for number, stage in enumerate(stages):
        control.begin_batch(index * len(stages) + number, 0)
        control.check()
        pieces = [made for piece in pieces for made in ([piece] if piece.finished else stage.work(piece))]
    chunks = dict(carried.others)
    if carried.infotext:
        chunks[PARAMETERS] = carried.infotext
    exif, is_camera = kept_exif(image, carried.infotext)
    return [
        ExtrasImage(
            image=piece.image,
            done=done_text(piece),
            text=PictureText(
                text=carried.infotext or "",
                chunks={**chunks, POSTPROCESSING: done_text(piece)},
                exif=exif,
                exif_in_png=is_camera,
            ),
            tags=piece.tags,
            caption=piece.caption,
        )
        for piece in pieces
    ]


def done_text(piece: Piece) -> str:
    """What was done to a picture, as its file says it."""
    return ", ".join(key if key == value else f"{key}: {quote(value)}" for key, value in piece.done.items())


def stages_of(steps: Sequence[ExtrasStep], engine: Engine, settings: Settings, control: RunControl) -> list[Stage]:
    """The steps with their names looked up; those that would change nothing are left out."""
    stages: list[Stage] = []
    for step in steps:
        match step:
            case Upscaling():
                stages += _upscaling(step, engine, settings, control)
            case FaceRestoring():
                stages += _faces(step, engine, control)
            case Captioning():
                stages += _captions(step, engine, settings, control)
            case FocalCrop():
                stages.append(focal_stage(step, engine))
            case FurtherStep():
                stages.append(Stage(work=step.work, begin=step.begin))
    return stages


def _faces(step: FaceRestoring, engine: Engine, control: RunControl) -> list[Stage]:
    if step.visibility == 0:
        return []
    name, visibility, weight = step.restorer, step.visibility, step.weight
    engine.faces.find(name, f"{name.lower()}_visibility")

    def restore(piece: Piece) -> list[Piece]:
        control.at_phase("restoring faces")
        image = piece.image
        restored = engine.faces.restore(image, name, weight=weight or 0.0, control=control).image
        done: dict[str, object] = {f"{name} visibility": round(visibility, 3)}
        if weight is not None:
            done[f"{name} weight"] = round(weight, 3)
        return [piece.having(Image.blend(image, restored, visibility) if visibility < 1 else restored, done)]

    return [Stage(work=restore)]


def _captions(step: Captioning, engine: Engine, settings: Settings, control: RunControl) -> list[Stage]:
    """What each of the models says goes behind a caption that an earlier step has written."""
    names = [engine.interrogators.catalogue.find(model, "Caption").name for model in step.models]
    options = InterrogateOptions.of(settings)

    def describe(piece: Piece) -> list[Piece]:
        said = [engine.interrogators.describe(piece.image, name, options, control) for name in names]
        return [replace(piece, caption=", ".join(text for text in (piece.caption, *said) if text))]

    return [Stage(work=describe)] if names else []


def focal_stage(step: FocalCrop, engine: Engine) -> Stage:
    """Cutting around what matters, with its debug picture behind the cut one."""

    def crop(piece: Piece) -> list[Piece]:
        image, size = piece.image, (step.width, step.height)
        boxes = [face.box.tolist() for face in engine.faces.found_in(image)] if step.face_weight else []
        interests = [
            *face_interest(boxes, step.face_weight),
            *entropy_interest(image, size, step.entropy_weight),
            *edge_interest(image, step.edges_weight),
        ]
        focus = focus_of(interests, image.size)
        pieces = [replace(piece, image=focal_crop(image, size, focus))]
        if step.debug:
            shown = marked(image, interests, focus)
            pieces.append(replace(piece, image=shown, tags=(*piece.tags, "debug"), caption=None, finished=True))
        return pieces

    return Stage(work=crop)


def _upscaling(step: Upscaling, engine: Engine, settings: Settings, control: RunControl) -> list[Stage]:
    """The upscaler, then the second one mixed in, then the crop. Without a first upscaler nothing is enlarged."""
    first = engine.upscalers.find(step.upscaler, "upscaler_1")
    second = engine.upscalers.find(step.second_upscaler, "upscaler_2")
    if first.method == "none":
        return []
    mixed = second.method != "none" and step.second_visibility > 0

    def enlarged(image: Image.Image, name: str) -> Image.Image:
        larger = engine.upscalers.upscale(image, step.factor(image.size), name, settings, control)
        return _cropped(larger, step.to_size, control) if step.to_size and step.crop else larger

    def upscale(piece: Piece) -> list[Piece]:
        image = piece.image
        check_size(image.size, step)
        result = enlarged(image, first.name)
        if mixed:
            control.check()
            other = enlarged(image, second.name)
            result = Image.blend(result, other.convert(result.mode), step.second_visibility)
        made = piece.having(result, told_of(step, first.name, second.name if mixed else None, result.size))
        return [made]

    return [Stage(work=upscale)]


def told_of(step: Upscaling, first: str, second: str | None, size: tuple[int, int]) -> dict[str, object]:
    """What a picture says of having been upscaled to `size`."""
    done: dict[str, object] = {}
    if step.to_size:
        done["Postprocess upscale to"] = f"{step.to_size[0]}x{step.to_size[1]}"
        if step.crop:
            done["Postprocess crop to"] = f"{size[0]}x{size[1]}"
    else:
        done["Postprocess upscale by"] = step.scale
        if step.max_side:
            done["Postprocess max side length"] = step.max_side
    done["Postprocess upscaler"] = first
    if second is not None:
        done["Postprocess upscaler 2"] = second
    return done


def check_size(size: tuple[int, int], step: Upscaling, limits: SizeLimits = LIMITS) -> None:
    """Raise RequestError where a picture of `size` would become larger than `limits`."""
    scale = step.factor(size)
    if not scale <= MOST_SCALE:
        raise RequestError(
            f"The factor must be at most {MOST_SCALE}; it is {scale:g}. Ask for less.", "upscaling_resize"
        )
    width, height = upscaled_size(*size, scale)
    limits.check("The result", width, height, field="upscaling_resize_w" if step.to_size else "upscaling_resize")


def check_sizes(sizes: Sequence[tuple[int, int]], step: Upscaling) -> None:
    """Raise RequestError where one of several results would be too large, or all of them together."""
    pixels = 0
    for size in sizes:
        check_size(size, step)
        width, height = upscaled_size(*size, step.factor(size))
        pixels += width * height
    if pixels > LIMITS.pixels * TOGETHER:
        raise RequestError(
            f"The {len(sizes)} results would have {pixels:,} pixels together, which are more than "
            f"{LIMITS.pixels * TOGETHER:,}. Send fewer pictures at a time, or ask for less.",
            "imageList",
        )


def _cropped(image: Image.Image, size: tuple[int, int], control: RunControl) -> Image.Image:
    """The middle of `image`, which is made to cover `size` where rounding has left it a little smaller."""
    if image.width < size[0] or image.height < size[1]:
        factor = max(size[0] / image.width, size[1] / image.height)
        covering = (math.ceil(image.width * factor), math.ceil(image.height * factor))
        image = resize_in_bands(image, covering, Image.Resampling.LANCZOS, control.check)
    left, top = image.width // 2 - size[0] // 2, image.height // 2 - size[1] // 2
    return image.crop((left, top, left + size[0], top + size[1]))
