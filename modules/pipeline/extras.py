"""Extras: pictures that are there already, enlarged and with their faces restored."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from modules.foundation.errors import Interrupted, RequestError
from modules.generation.progress import RunControl
from modules.generation.request import MOST_SCALE
from modules.generation.size_limits import SizeLimits
from modules.imaging.encode import PictureText
from modules.imaging.resize import upscaled_size, with_colours
from modules.imaging.resize_in_bands import resize_in_bands
from modules.infotext.picture_metadata import PARAMETERS, exif_with, read_picture_metadata
from modules.infotext.quoting import quote

if TYPE_CHECKING:
    from modules.pipeline.engine import Engine
    from modules.settings.model import Settings

POSTPROCESSING = "postprocessing"
"""The name under which a PNG holds what was done here."""

LIMITS = SizeLimits(side=2**18, pixels=16384 * 16384)
"""A larger result is not held in memory; it would have to be written row by row."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasRequest:
    """What is to be done to each picture; the values of A1111's extras tab.

    `scale` is used unless `width` and `height` are given: then the picture covers them, and `crop` cuts off what hangs
    over. `second_visibility` is how much of the second upscaler's picture is mixed in, 0..1; the other visibilities are
    those of restored faces. `codeformer_weight` 0 changes faces most, 1 least.
    """

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
        if not 0 < self.scale < float("inf"):
            raise RequestError(f"upscaling_resize must be more than 0; it is {self.scale}.", "upscaling_resize")
        for name, size in (("upscaling_resize_w", self.width), ("upscaling_resize_h", self.height)):
            if size is not None and size < 1:
                raise RequestError(f"{name} must be at least 1; it is {size}.", name)
        for name, value in (
            ("extras_upscaler_2_visibility", self.second_visibility),
            ("gfpgan_visibility", self.gfpgan_visibility),
            ("codeformer_visibility", self.codeformer_visibility),
            ("codeformer_weight", self.codeformer_weight),
        ):
            if not 0 <= value <= 1:
                raise RequestError(f"{name} must lie between 0 and 1; it is {value}.", name)

    @property
    def to_size(self) -> tuple[int, int] | None:
        """The size to reach, or None where the scale counts."""
        return (self.width, self.height) if self.width is not None and self.height is not None else None


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtrasImage:
    """A finished picture: `done` says what was done to it, `text` is what its file carries."""

    image: Image.Image
    done: str
    text: PictureText


def run_extras(request: ExtrasRequest, engine: Engine, control: RunControl) -> tuple[ExtrasImage, ...]:
    """Work on each picture of a request.

    Names are looked up before any work is done. Interrupting keeps the pictures that are finished, perhaps none.
    Raises RequestError, CheckpointError, OutOfMemory.
    """
    settings = engine.settings.current
    stages = _stages(request, engine, settings, control)
    control.begin(len(request.images) * max(len(stages), 1))
    finished: list[ExtrasImage] = []
    with contextlib.suppress(Interrupted):
        for index, image in enumerate(request.images):
            finished.append(_one(image, index, stages, control))
    control.at_phase("done")
    return tuple(finished)


@dataclass(frozen=True)
class _Work:
    """A picture on its way, and what has been done to it: label and value, as they are written."""

    image: Image.Image
    done: Mapping[str, object]

    def having(self, image: Image.Image, done: Mapping[str, object]) -> _Work:
        return _Work(image, {**self.done, **done})


_Stage = Callable[[_Work], _Work]


def _one(image: Image.Image, index: int, stages: list[_Stage], control: RunControl) -> ExtrasImage:
    carried = read_picture_metadata(image)
    work = _Work(with_colours(ImageOps.exif_transpose(image)), {})
    for number, stage in enumerate(stages):
        control.begin_batch(index * len(stages) + number, 0)
        control.check()
        work = stage(work)
    done = ", ".join(key if key == value else f"{key}: {quote(value)}" for key, value in work.done.items())
    chunks = dict(carried.others)
    if carried.infotext:
        chunks[PARAMETERS] = carried.infotext
    chunks[POSTPROCESSING] = done
    exif = exif_with(carried.infotext) if carried.infotext else None
    return ExtrasImage(
        image=work.image, done=done, text=PictureText(text=carried.infotext or "", chunks=chunks, exif=exif)
    )


def _stages(request: ExtrasRequest, engine: Engine, settings: Settings, control: RunControl) -> list[_Stage]:
    upscaling = _upscaling(request, engine, settings, control)
    faces = [
        *_faces("GFPGAN", request.gfpgan_visibility, None, engine, control),
        *_faces("CodeFormer", request.codeformer_visibility, request.codeformer_weight, engine, control),
    ]
    return [*upscaling, *faces] if request.upscale_first else [*faces, *upscaling]


def _faces(name: str, visibility: float, weight: float | None, engine: Engine, control: RunControl) -> list[_Stage]:
    if visibility == 0:
        return []
    engine.faces.find(name, f"{name.lower()}_visibility")

    def restore(work: _Work) -> _Work:
        control.at_phase("restoring faces")
        image = work.image
        restored = engine.faces.restore(image, name, weight=weight or 0.0, control=control).image
        done: dict[str, object] = {f"{name} visibility": round(visibility, 3)}
        if weight is not None:
            done[f"{name} weight"] = round(weight, 3)
        return work.having(Image.blend(image, restored, visibility) if visibility < 1 else restored, done)

    return [restore]


def _upscaling(request: ExtrasRequest, engine: Engine, settings: Settings, control: RunControl) -> list[_Stage]:
    """The upscaler, then the second one mixed in, then the crop. Without a first upscaler nothing is enlarged."""
    first = engine.upscalers.find(request.upscaler, "upscaler_1")
    second = engine.upscalers.find(request.second_upscaler, "upscaler_2")
    if first.method == "none":
        return []
    for image in request.images:
        _check_size(image, request)

    def enlarged(image: Image.Image, name: str) -> Image.Image:
        size = request.to_size
        scale = max(size[0] / image.width, size[1] / image.height) if size else request.scale
        larger = engine.upscalers.upscale(image, scale, name, settings, control)
        return _cropped(larger, size, control) if size and request.crop else larger

    def upscale(work: _Work) -> _Work:
        image, size = work.image, request.to_size
        result = enlarged(image, first.name)
        if second.method != "none" and request.second_visibility > 0:
            control.check()
            other = enlarged(image, second.name)
            result = Image.blend(result, other.convert(result.mode), request.second_visibility)
        done: dict[str, object] = {}
        if size:
            done["Postprocess upscale to"] = f"{size[0]}x{size[1]}"
            if request.crop:
                done["Postprocess crop to"] = f"{result.width}x{result.height}"
        else:
            done["Postprocess upscale by"] = request.scale
        done["Postprocess upscaler"] = first.name
        if second.method != "none" and request.second_visibility > 0:
            done["Postprocess upscaler 2"] = second.name
        return work.having(result, done)

    return [upscale]


def _check_size(image: Image.Image, request: ExtrasRequest) -> None:
    size = request.to_size
    scale = max(size[0] / image.width, size[1] / image.height) if size else request.scale
    if not scale <= MOST_SCALE:
        raise RequestError(
            f"The factor must be at most {MOST_SCALE}; it is {scale:g}. Ask for less.", "upscaling_resize"
        )
    width, height = upscaled_size(image.width, image.height, scale)
    LIMITS.check("The result", width, height, field="upscaling_resize_w" if size else "upscaling_resize")


def _cropped(image: Image.Image, size: tuple[int, int], control: RunControl) -> Image.Image:
    """The middle of `image`, which is made to cover `size` where rounding has left it a little smaller."""
    if image.width < size[0] or image.height < size[1]:
        factor = max(size[0] / image.width, size[1] / image.height)
        covering = (math.ceil(image.width * factor), math.ceil(image.height * factor))
        image = resize_in_bands(image, covering, Image.Resampling.LANCZOS, control.check)
    left, top = image.width // 2 - size[0] // 2, image.height // 2 - size[1] // 2
    return image.crop((left, top, left + size[0], top + size[1]))
