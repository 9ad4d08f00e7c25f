"""A picture brought to a scale as A1111 does it: the model again and again, then Lanczos to the exact size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modules.imaging.tiles import Axis, Pixels, Span, blended_rows, fitted, from_strips

if TYPE_CHECKING:
    from PIL import Image

MOST_PASSES = 3
"""How often a model is applied at most; what is then still missing is left to Lanczos."""

FIRST_PAD = 64
"""Pixels of black before a picture that is smaller than a tile; farther away they make no difference."""

_FILLED_UP = frozenset({"ESRGAN", "RealESRGAN", "BSRGAN", "DAT", "HAT"})
"""Families whose tiles A1111 lets begin before a picture that is smaller than they are."""

_SETTINGS: Mapping[str, tuple[str, str]] = {
    "DAT": ("DAT_tile", "DAT_tile_overlap"),
    "ScuNET": ("SCUNET_tile", "SCUNET_tile_overlap"),
    "SwinIR": ("SWIN_tile", "SWIN_tile_overlap"),
    "Swin2SR": ("SWIN_tile", "SWIN_tile_overlap"),
}


class Enlarges(Protocol):
    """What makes a rectangle of pixels larger; see `modules.upscalers.model.UpscalerModel`."""

    @property
    def scale(self) -> int:
        """How much larger."""
        ...

    @property
    def align(self) -> int:
        """At which multiples tiles should start."""
        ...

    @property
    def margin(self) -> int:
        """How far from a cut the pixels come out differently."""
        ...

    def enlarge(self, pixels: Pixels) -> Pixels:
        """`pixels` larger by `scale`."""
        ...


class Watch(Protocol):
    """Who is told of each tile, and may stop before the next; `RunControl` is one."""

    def check(self) -> None:
        """Raise Interrupted when the work should be left."""
        ...

    def at_tile(self, done: int, total: int) -> None:
        """`done` of `total` tiles are done."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How a picture is cut for a model: tiles of `tile` pixels (0: not at all), neighbours blended over `blend`.

    `fill_up` has a picture that is smaller than a tile continued in black to the left and above.
    """

    tile: int = 192
    blend: int = 8
    fill_up: bool = False

    @classmethod
    def of(cls, family: str | None, settings: Any) -> Tiling:
        """What `settings` (a `modules.settings.model.Settings`) say for a family of models."""
        tile, overlap = _SETTINGS.get(family or "", ("ESRGAN_tile", "ESRGAN_tile_overlap"))
        return cls(tile=getattr(settings, tile), blend=getattr(settings, overlap), fill_up=family in _FILLED_UP)


def upscale(
    image: Image.Image, scale: float, model: Enlarges, tiling: Tiling, watch: Watch | None = None
) -> Image.Image:
    """`image` larger by `scale`, its sides then rounded down to multiples of 8.

    A model that enlarges less than `scale` is applied up to three times; with a `scale` of 1 it is applied once, since
    some models only clean up. Transparency is enlarged by Lanczos. Raises Interrupted when `watch` does.
    """
    from PIL import Image

    size = target_size(image.width, image.height, scale)
    alpha = image.convert("RGBA").getchannel("A") if _is_transparent(image) else None
    pixels: Pixels = np.asarray(image.convert("RGB"))
    for done in range(MOST_PASSES):
        height, width = pixels.shape[:2]
        if width >= size[0] and height >= size[1] and (done > 0 or scale != 1):
            break
        larger = _once(pixels, model, tiling, watch)
        if larger.shape == pixels.shape:
            pixels = larger
            break
        pixels = larger
    result = Image.fromarray(pixels)
    if result.size != size:
        result = result.resize(size, Image.Resampling.LANCZOS)
    if alpha is not None:
        result.putalpha(alpha.resize(size, Image.Resampling.LANCZOS))
    return result


def target_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """The size of a picture of `width` x `height` after upscaling: multiples of 8, at least 8."""
    return max(int(width * scale // 8 * 8), 8), max(int(height * scale // 8 * 8), 8)


def _once(pixels: Pixels, model: Enlarges, tiling: Tiling, watch: Watch | None) -> Pixels:
    height, width, _ = pixels.shape
    strips = enlarged_rows(pixels, model, tiling, watch)
    return from_strips(strips, width * model.scale, height * model.scale, 3)


def enlarged_rows(pixels: Pixels, model: Enlarges, tiling: Tiling, watch: Watch | None) -> Iterator[Pixels]:
    """`pixels` larger by the model's scale, as strips of rows from top to bottom."""
    height, width, _ = pixels.shape
    if tiling.fill_up and tiling.tile > min(width, height):
        yield from _filled_up(pixels, model, tiling, watch)
        return
    margin = model.margin if 0 < tiling.tile < max(width, height) else 0
    rows, columns = (
        fitted(length, tiling.tile, margin=margin, blend=tiling.blend, align=model.align) for length in (height, width)
    )
    render = _Tiles(pixels, model, watch, rows, columns)
    yield from blended_rows(rows, columns, model.scale, 3, render)


def _filled_up(pixels: Pixels, model: Enlarges, tiling: Tiling, watch: Watch | None) -> Iterator[Pixels]:
    height, width, _ = pixels.shape
    top, left = (min(max(tiling.tile - length, 0), FIRST_PAD) for length in (height, width))
    padded = np.pad(pixels, ((top, 0), (left, 0), (0, 0)))
    larger = _once(padded, model, Tiling(tile=tiling.tile, blend=tiling.blend), watch)
    yield larger[top * model.scale :, left * model.scale :]


class _Tiles:
    """Renders the tiles of a picture, and reports and checks between them."""

    def __init__(self, pixels: Pixels, model: Enlarges, watch: Watch | None, rows: Axis, columns: Axis) -> None:
        self._pixels, self._model, self._watch = pixels, model, watch
        self._done, self._total = 0, len(rows.spans) * len(columns.spans)

    def __call__(self, row: Span, column: Span) -> Pixels:
        if self._watch is not None:
            self._watch.check()
        larger = self._model.enlarge(self._pixels[row.start : row.end, column.start : column.end])
        self._done += 1
        if self._watch is not None:
            self._watch.at_tile(self._done, self._total)
        return larger


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
