"""From one picture file to a larger one, without either being in memory as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from modules.foundation.errors import RequestError
from modules.imaging.encode import PictureText
from modules.imaging.png_stream import write_png_rows
from modules.imaging.resize import enlarged_size, upscaled_size
from modules.imaging.rows import AlphaRows, Rows, StripRows, is_transparent, open_rows, resized_rows, texts_of
from modules.imaging.tiles import Pixels
from modules.infotext.picture_metadata import PARAMETERS, read_picture_metadata
from modules.upscalers.upscale import Enlarges, Progress, Tiling, UpscalePass, UpscaleProgress, pass_sizes


def upscale_file(
    source: Path,
    target: Path,
    scale: float,
    model: Enlarges | None,
    tiling: Tiling,
    *,
    crop: tuple[int, int] | None = None,
    texts: Mapping[str, str] | None = None,
    control: UpscaleProgress | None = None,
) -> tuple[int, int]:
    """Enlarge the picture in the file `source` into the PNG file `target`; returns its width and height.

    What comes out is what `upscale` makes, but only a few rows of tiles of it are in memory at any time, and of a PNG
    source as little. Without a `model` it is enlarged by Lanczos alone. With `crop` (width, height) the middle of that
    size is kept. Texts stay with the picture, and `texts` are added. Raises RequestError, SaveError, OutOfMemory,
    Interrupted.
    """
    if not 0 < scale < float("inf"):
        raise RequestError(f"The scale must be more than 0; it is {scale}.", "upscaling_resize")
    rows = open_rows(source)
    size = upscaled_size(rows.width, rows.height, scale)
    if model is not None:
        enlarged = _enlarged(rows, scale, model, tiling, control)
    else:
        first = enlarged_size(rows.width, rows.height, scale)
        enlarged = StripRows(resized_rows(rows, first), *first)
    finished = resized_rows(enlarged, size)
    if is_transparent(source):
        finished = _with_alpha(finished, open_rows(source, "RGBA"), size)
    if model is None:
        finished = _report(finished, size[1], control)
    if crop is not None:
        finished, size = _cropped(finished, size, crop), crop
    carried = read_picture_metadata(texts_of(source))
    chunks = {**carried.others, **({PARAMETERS: carried.infotext} if carried.infotext else {}), **(texts or {})}
    write_png_rows(target, size, finished, text=PictureText(chunks=chunks))
    return size


def _enlarged(rows: Rows, scale: float, model: Enlarges, tiling: Tiling, control: UpscaleProgress | None) -> Rows:
    passes = [
        UpscalePass.over(*each, model, tiling) for each in pass_sizes(rows.width, rows.height, scale, model.scale)
    ]
    progress = Progress(control, sum(each.tiles for each in passes))
    for each in passes:
        strips = each.strips(rows, model, progress)
        rows = StripRows(strips, each.width * model.scale, each.height * model.scale)
    return rows


def _covering(size: tuple[int, int], crop: tuple[int, int]) -> tuple[int, int]:
    """`size`, enlarged where rounding has left it smaller than `crop`."""
    factor = max(crop[0] / size[0], crop[1] / size[1])
    return (math.ceil(size[0] * factor), math.ceil(size[1] * factor)) if factor > 1 else size


def _cropped(strips: Iterator[Pixels], size: tuple[int, int], crop: tuple[int, int]) -> Iterator[Pixels]:
    """The middle of a picture of `size`, which is made to cover `crop` first."""
    covering = _covering(size, crop)
    if covering != size:
        strips, size = resized_rows(StripRows(strips, *size), covering), covering
    left, first = size[0] // 2 - crop[0] // 2, size[1] // 2 - crop[1] // 2
    top = 0
    for strip in strips:
        begin, end = max(first - top, 0), min(first + crop[1] - top, len(strip))
        if begin < end:
            yield strip[begin:end, left : left + crop[0]]
        top += len(strip)


def _report(strips: Iterable[Pixels], height: int, control: UpscaleProgress | None) -> Iterator[Pixels]:
    """The strips, with each told to `control`."""
    done = 0
    for strip in strips:
        if control is not None:
            control.check()
            control.at_tile(done, height)
        done += len(strip)
        yield strip


def _with_alpha(colours: Iterator[Pixels], source: Rows, size: tuple[int, int]) -> Iterator[Pixels]:
    for colour, alpha in zip(colours, resized_rows(AlphaRows(source), size), strict=True):
        yield np.concatenate([colour, alpha], axis=2)
