"""Large pictures in pieces: where the tiles lie, how neighbours overlap, and how rows of tiles become rows of pixels.

Two rules. `split_evenly` is that of A1111's SD upscale and is kept to the pixel: tiles of one size, spread evenly, with
at least some overlap. `Axis` is for models that see only so far: tiles start at multiples of the model's window, the
pixels near a tile's inner edges are thrown away, and neighbours are blended in a narrow band where both are right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
"""Rows, columns and channels of a picture."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """Where a tile lies along one axis, in pixels: `start` included, `end` not."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """In pixels."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Axis:
    """How `length` pixels are cut into tiles of at most `tile`.

    Every tile but the first starts at a multiple of `align`. Of what two neighbours share, the outermost `margin`
    pixels of each are thrown away, and the rest, at least `blend` pixels, is where one fades into the other.
    """

    length: int
    tile: int
    margin: int = 0
    blend: int = 0
    align: int = 1

    @property
    def spans(self) -> tuple[Span, ...]:
        """The tiles, first to last. With `tile` 0, or one that holds everything, there is one."""
        if self.tile <= 0 or self.length <= self.tile:
            return (Span(0, self.length),)
        step = max((self.tile - 2 * self.margin - self.blend) // self.align * self.align, self.align)
        count = 1 + math.ceil((self.length - self.tile) / step)
        return tuple(Span(i * step, min(i * step + self.tile, self.length)) for i in range(count))

    def weights(self, index: int, scale: int = 1) -> Floats:
        """How much each pixel of tile `index`, enlarged by `scale`, counts; with its neighbours' it adds up to 1."""
        spans = self.spans
        span = spans[index]
        weights = np.ones(span.length * scale, dtype=np.float32)
        if index > 0:
            ramp = self._ramp(spans[index - 1].end - span.start, scale)
            weights[: len(ramp)] = ramp
        if index + 1 < len(spans):
            ramp = self._ramp(span.end - spans[index + 1].start, scale)
            weights[len(weights) - len(ramp) :] = 1 - ramp
        return weights

    def _ramp(self, shared: int, scale: int) -> Floats:
        margin = min(self.margin, max(shared - 1, 0) // 2)
        width = (shared - 2 * margin) * scale
        rising = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(max(width, 1))
        ends = np.zeros(margin * scale, dtype=np.float32)
        return np.concatenate([ends, rising, ends + 1])


def fitted(length: int, tile: int, *, margin: int, blend: int, align: int) -> Axis:
    """The axis with these wishes, margin and band made so small that a tile never reaches the one after the next."""
    if tile <= 0:
        return Axis(length=length, tile=0)
    tile = max(tile, 2 * align)
    room = tile - math.ceil(tile / 2 / align) * align
    blend = min(blend, room)
    return Axis(length=length, tile=tile, margin=min(margin, (room - blend) // 2), blend=blend, align=align)


def blended_rows(
    rows: Axis, columns: Axis, scale: int, channels: int, render: Callable[[Span, Span], Pixels]
) -> Iterator[Pixels]:
    """A picture of tiles as strips of finished rows, top to bottom, `scale` times as large as the axes say.

    `render(row span, column span)` gives one tile, enlarged; it is called row by row. No more than one row of tiles
    and what it shares with the next are held at a time.
    """
    spans, width = rows.spans, columns.length * scale
    carried = np.zeros((0, width, channels), dtype=np.float32)
    for index, span in enumerate(spans):
        vertical = rows.weights(index, scale)
        band = np.zeros((span.length * scale, width, channels), dtype=np.float32)
        for column, across in enumerate(columns.spans):
            tile = render(span, across).astype(np.float32)
            tile *= (vertical[:, None] * columns.weights(column, scale))[:, :, None]
            band[:, across.start * scale : across.end * scale] += tile
        band[: len(carried)] += carried
        following = spans[index + 1].start if index + 1 < len(spans) else span.end
        done = (following - span.start) * scale
        carried = band[done:].copy()
        finished = _rounded(band[:done])
        del band  # before the next one is made
        yield finished


def _rounded(values: Floats) -> Pixels:
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def from_strips(strips: Iterable[Pixels], width: int, height: int, channels: int) -> Pixels:
    """All strips below each other as one picture."""
    picture = np.empty((height, width, channels), dtype=np.uint8)
    row = 0
    for strip in strips:
        picture[row : row + len(strip)] = strip
        row += len(strip)
    return picture


def split_evenly(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """Tiles of exactly `tile` pixels, evenly spread over `length` with an overlap of at least `overlap`.

    One that is longer than the picture begins before it, at a negative start.
    """
    count = max(math.ceil((length - overlap) / max(tile - overlap, 1)), 1)
    distance = (length - tile) / (count - 1) if count > 1 else 0
    starts = (int(index * distance) for index in range(count))
    return tuple(Span(length - tile, length) if s + tile >= length else Span(s, s + tile) for s in starts)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Tiles of one size over a picture of `width` x `height`, as A1111's SD upscale lays them."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    overlap: int

    @property
    def rows(self) -> tuple[Span, ...]:
        """The rows of tiles."""
        return split_evenly(self.height, self.tile_height, self.overlap)

    @property
    def columns(self) -> tuple[Span, ...]:
        """The columns of tiles."""
        return split_evenly(self.width, self.tile_width, self.overlap)

    def split(self, image: Image.Image) -> list[Image.Image]:
        """The tiles of `image`, row by row. Where a tile reaches beyond the picture it is black."""
        return [image.crop((c.start, r.start, c.end, r.end)) for r in self.rows for c in self.columns]

    def combine(self, tiles: Sequence[Image.Image]) -> Image.Image:
        """The picture of `tiles`, each blended into the ones before it, over `overlap` pixels at its left and top."""
        from PIL import Image

        columns = self.columns
        picture = Image.new("RGB", (self.width, self.height))
        for r, row in enumerate(self.rows):
            band = Image.new("RGB", (self.width, self.tile_height))
            for c, column in enumerate(columns):
                tile = tiles[r * len(columns) + c]
                self._lay(band, tile, (column.start, 0), self.overlap if c else 0, across=True)
            self._lay(picture, band, (0, row.start), self.overlap if r else 0, across=False)
        return picture

    def _lay(self, canvas: Image.Image, piece: Image.Image, at: tuple[int, int], overlap: int, *, across: bool) -> None:
        """Paste `piece`, its first `overlap` columns (or rows) fading in."""
        if not overlap:
            canvas.paste(piece, at)
            return
        size = (overlap, piece.height) if across else (piece.width, overlap)
        canvas.paste(piece.crop((0, 0, *size)), at, mask=_fade(overlap, size, across=across))
        rest = piece.crop((overlap, 0, *piece.size) if across else (0, overlap, *piece.size))
        canvas.paste(rest, (at[0] + overlap, at[1]) if across else (at[0], at[1] + overlap))


def _fade(overlap: int, size: tuple[int, int], *, across: bool) -> Any:
    from PIL import Image

    levels = (np.arange(overlap, dtype=np.float32) * 255 / overlap).astype(np.uint8)
    line = levels[None, :] if across else levels[:, None]
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(line, (size[1], size[0]))))
