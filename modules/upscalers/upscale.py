"""A picture brought to a scale as A1111 does it: the model again and again, then Lanczos to the exact size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from modules.foundation.errors import RequestError
from modules.imaging.pixelwise import alpha_of
from modules.imaging.resize import upscaled_size
from modules.imaging.resize_in_bands import resize_in_bands
from modules.imaging.rows import ArrayRows, Rows
from modules.imaging.tiles import Axis, Pixels, Span, blended_rows, fitted, from_strips

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 2**29
"""Of a picture between two passes of a model."""

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

_FIXED: Mapping[str, tuple[int, int]] = {"LDSR": (128, 16)}
"""Tile and overlap of families without settings for them: what diffusion adds differs from tile to tile."""


class Enlarges(Protocol):
    """What makes a rectangle of pixels larger; see `modules.upscalers.model.UpscalerModel`."""

    @property
    def scale(self) -> int:
        """The factor by which sides grow."""
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


class LoadedUpscaler(Protocol):
    """A model in memory; what it enlarges with depends on the settings of a run."""

    @property
    def scale(self) -> int:
        """The factor by which sides grow."""
        ...

    @property
    def bytes(self) -> int:
        """Bytes of its weights in memory."""
        ...

    def for_run(self, settings: object, control: UpscaleProgress | None) -> Enlarges:
        """What enlarges as `settings` want it; `control` may stop it in the middle of a tile."""
        ...

    def stays(self, settings: object) -> bool:
        """Whether it is to be kept in memory after the run."""
        ...


class UpscaleProgress(Protocol):
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
    def of(cls, family: str | None, settings: object) -> Tiling:
        """What `settings` (a `modules.settings.model.Settings`) say for a family of models."""
        if (fixed := _FIXED.get(family or "")) is not None:
            return cls(tile=fixed[0], blend=fixed[1])
        tile, overlap = _SETTINGS.get(family or "", ("ESRGAN_tile", "ESRGAN_tile_overlap"))
        return cls(tile=getattr(settings, tile), blend=getattr(settings, overlap), fill_up=family in _FILLED_UP)


def upscale(
    image: Image.Image, scale: float, model: Enlarges, tiling: Tiling, control: UpscaleProgress | None = None
) -> Image.Image:
    """`image` larger by `scale`, its sides then rounded down to multiples of 8.

    A model that enlarges less than `scale` is applied up to three times; with a `scale` of 1 it is applied once, since
    some models only clean up. Transparency is enlarged by Lanczos. Raises Interrupted when `control` does.
    """
    from PIL import Image

    size = upscaled_size(image.width, image.height, scale)
    alpha = alpha_of(image) if _is_transparent(image) else None
    pixels: Pixels = np.asarray(image.convert("RGB"))
    for wide, high in pass_sizes(*image.size, scale, model.scale):
        if wide * high * model.scale**2 > MOST_PIXELS:
            raise RequestError(
                f"On the way to {size[0]}x{size[1]} the upscaler would make {wide * model.scale}x{high * model.scale} "
                f"pixels, which are more than {MOST_PIXELS:,}. Ask for less, or choose an upscaler of a smaller factor."
            )
    passes = [
        UpscalePass.over(width, height, model, tiling) for width, height in pass_sizes(*image.size, scale, model.scale)
    ]
    progress = Progress(control, sum(each.tiles for each in passes))
    for each in passes:
        strips = each.strips(ArrayRows(pixels), model, progress)
        pixels = from_strips(strips, each.width * model.scale, each.height * model.scale, 3)
    result = Image.fromarray(pixels)
    if result.size != size:
        result = resize_in_bands(result, size, Image.Resampling.LANCZOS, progress.check)
    if alpha is not None:
        result.putalpha(resize_in_bands(alpha, size, Image.Resampling.LANCZOS, progress.check))
    return result


def pass_sizes(width: int, height: int, scale: float, by: int) -> Iterator[tuple[int, int]]:
    """The sizes of the pictures that a model which enlarges by `by` is applied to."""
    wide, high = upscaled_size(width, height, scale)
    for done in range(MOST_PASSES):
        if (width >= wide and height >= high and (done > 0 or scale != 1)) or (done > 0 and by == 1):
            return
        yield width, height
        width, height = width * by, height * by


class Progress:
    """Counts the tiles of all passes and reports them to the control."""

    def __init__(self, control: UpscaleProgress | None, total: int) -> None:
        self._control, self._total, self._done = control, total, 0

    def check(self) -> None:
        """Raise Interrupted when the work should be left."""
        if self._control is not None:
            self._control.check()

    def one_more(self) -> None:
        """Count a finished tile and report the progress."""
        self._done += 1
        if self._control is not None:
            self._control.at_tile(self._done, self._total)


@dataclass(frozen=True, kw_only=True)
class UpscalePass:
    """One application of a model to a picture of `width` x `height`, continued in black by `top` and `left` pixels."""

    width: int
    height: int
    top: int
    left: int
    rows: Axis
    columns: Axis

    @classmethod
    def over(cls, width: int, height: int, model: Enlarges, tiling: Tiling) -> UpscalePass:
        """How a picture of this size is cut for `model`."""
        top, left = (
            min(max(tiling.tile - length, 0), FIRST_PAD) if tiling.fill_up else 0 for length in (height, width)
        )
        margin = model.margin if 0 < tiling.tile < max(width, height) else 0
        rows, columns = (
            fitted(length, tiling.tile, margin=margin, blend=tiling.blend, align=model.align)
            for length in (height + top, width + left)
        )
        return cls(width=width, height=height, top=top, left=left, rows=rows, columns=columns)

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return len(self.rows.spans) * len(self.columns.spans)

    def strips(self, source: Rows, model: Enlarges, progress: Progress) -> Iterator[Pixels]:
        """`source` larger by the model's scale, as strips of rows from top to bottom."""
        bands: dict[Span, Pixels] = {}

        def band(span: Span) -> Pixels:
            if span not in bands:
                bands.clear()
                above = max(self.top - span.start, 0)
                rows = source.rows(span.start - self.top + above, span.end - self.top)
                bands[span] = np.pad(rows, ((above, 0), (self.left, 0), (0, 0))) if above or self.left else rows
            return bands[span]

        def render(row: Span, column: Span) -> Pixels:
            progress.check()
            larger = model.enlarge(band(row)[:, column.start : column.end])
            progress.one_more()
            return larger

        skip = self.top * model.scale
        for strip in blended_rows(self.rows, self.columns, model.scale, 3, render):
            kept = strip[skip:, self.left * model.scale :]
            skip = max(skip - len(strip), 0)
            if len(kept):
                yield kept


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
