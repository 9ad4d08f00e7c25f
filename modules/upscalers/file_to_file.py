"""From one picture file to a larger one, without either being in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from modules.foundation.errors import RequestError
from modules.imaging.encode import PictureText
from modules.imaging.png_stream import write_png_rows
from modules.imaging.resize import upscaled_size
from modules.imaging.rows import AlphaRows, Rows, StripRows, is_transparent, open_rows, resized_rows, texts_of
from modules.imaging.tiles import Pixels
from modules.infotext.picture_metadata import PARAMETERS, read_picture_metadata
from modules.upscalers.upscale import Enlarges, Progress, Tiling, UpscalePass, UpscaleProgress, pass_sizes


def upscale_file(
    source: Path, target: Path, scale: float, model: Enlarges, tiling: Tiling, *, control: UpscaleProgress | None = None
) -> tuple[int, int]:
    """Enlarge the picture in the file `source` into the PNG file `target`; returns its width and height.

    What comes out is what `upscale` makes, but only a few rows of tiles of it are in memory at any time, and of a PNG
    source as little. Texts stay with the picture. Raises RequestError, SaveError, OutOfMemory, Interrupted.
    """
    if not 0 < scale < float("inf"):
        raise RequestError(f"The scale must be more than 0; it is {scale}.", "upscaling_resize")
    rows = open_rows(source)
    size = upscaled_size(rows.width, rows.height, scale)
    passes = [
        UpscalePass.over(*each, model, tiling) for each in pass_sizes(rows.width, rows.height, scale, model.scale)
    ]
    progress = Progress(control, sum(each.tiles for each in passes))
    enlarged = rows
    for each in passes:
        strips = each.strips(enlarged, model, progress)
        enlarged = StripRows(strips, each.width * model.scale, each.height * model.scale)
    finished = resized_rows(enlarged, size)
    if is_transparent(source):
        finished = _with_alpha(finished, open_rows(source, "RGBA"), size)
    carried = read_picture_metadata(texts_of(source))
    chunks = {**carried.others, **({PARAMETERS: carried.infotext} if carried.infotext else {})}
    write_png_rows(target, size, finished, text=PictureText(chunks=chunks))
    return size


def _with_alpha(colours: Iterator[Pixels], source: Rows, size: tuple[int, int]) -> Iterator[Pixels]:
    for colour, alpha in zip(colours, resized_rows(AlphaRows(source), size), strict=True):
        yield np.concatenate([colour, alpha], axis=2)
