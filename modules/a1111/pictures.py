"""What stands in `modules.images` beside saving: sizes, grids, texts in pictures, names by pattern."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.a1111.current import current
from modules.a1111.saving import name_context, opts, picture_text
from modules.foundation.atomic import atomic_write
from modules.foundation.errors import EaselError
from modules.foundation.picture_file import open_picture
from modules.foundation.plain import JsonObject
from modules.imaging import grid, resize
from modules.imaging.filenames import fill_pattern, sanitize
from modules.infotext.picture_metadata import read_picture_metadata

if TYPE_CHECKING:
    from modules.a1111.processing.parameters import StableDiffusionProcessing

LANCZOS = Image.Resampling.LANCZOS
NEAREST = Image.Resampling.NEAREST


def resize_image(
    resize_mode: int, im: Image.Image, width: int, height: int, upscaler_name: str | None = None
) -> Image.Image:
    """`im` at this size: 0 stretches, 1 crops, 2 fills up. Enlarged by an upscaler where one is named."""
    dialect = current()
    name = upscaler_name or getattr(dialect.settings, "upscaler_for_img2img", None)
    enlarge = None
    if name and name != "None":
        enlarge = dialect.app.engine.upscalers.enlarger(name, dialect.settings, dialect.control)
    return resize.resize(im, int(width), int(height), resize.ResizeMode(int(resize_mode)), enlarge)


def flatten(img: Image.Image, bgcolor: str) -> Image.Image:
    """`img` as RGB, laid on a colour where it is transparent."""
    return resize.flatten(img, bgcolor)


def fix_image(image: Image.Image | None) -> Image.Image | None:
    """`image` as RGB or RGBA, turned as its file says; None stays None."""
    if image is None:
        return None
    from PIL import ImageOps

    return resize.with_colours(ImageOps.exif_transpose(image))


def read(fp: Any, **kwargs: object) -> Image.Image | None:
    """A picture from a file, turned as the file says. Of the formats that Pillow knows those are read that we name."""
    return fix_image(open_picture(fp))


def get_grid_size(imgs: Sequence[Image.Image], batch_size: int = 1, rows: int | None = None) -> tuple[int, int]:
    """Rows and columns of a grid."""
    columns, rows = grid.grid_shape(
        len(imgs),
        rows=int(rows) if rows else int(opts().n_rows),
        batch_size=batch_size,
        prevent_empty_spots=opts().grid_prevent_empty_spots,
    )
    return rows, columns


def image_grid(imgs: Sequence[Image.Image], batch_size: int = 1, rows: int | None = None) -> Image.Image:
    """All pictures as one; on_image_grid may change them and their order."""
    from modules.a1111.callbacks import ImageGridLoopParams

    rows, columns = get_grid_size(imgs, batch_size, rows)
    params = ImageGridLoopParams(list(imgs), columns, rows)
    current().callbacks.call("image_grid", params)
    return grid.image_grid(params.imgs, columns=params.cols, rows=params.rows, background=opts().grid_background_color)


@dataclass
class Grid:
    """A picture in tiles: rows of (y, height, [[x, width, tile], ...])."""

    tiles: list[Any]
    tile_w: int
    tile_h: int
    image_w: int
    image_h: int
    overlap: int

    def __iter__(self) -> Any:
        return iter((self.tiles, self.tile_w, self.tile_h, self.image_w, self.image_h, self.overlap))

    @property
    def tile_count(self) -> int:
        """How many tiles there are."""
        return sum(len(row[2]) for row in self.tiles)


def split_grid(image: Image.Image, tile_w: int = 512, tile_h: int = 512, overlap: int = 64) -> Grid:
    """A picture cut into tiles of one size that overlap by about `overlap` pixels."""
    made = Grid([], tile_w, tile_h, image.width, image.height, overlap)
    for top in _starts(image.height, tile_h, overlap):
        row = [
            [left, tile_w, image.crop((left, top, left + tile_w, top + tile_h))]
            for left in _starts(image.width, tile_w, overlap)
        ]
        made.tiles.append([top, tile_h, row])
    return made


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin so that they cover the length, evenly spread."""
    count = max(math.ceil((length - overlap) / (tile - overlap)), 1)
    step = (length - tile) / (count - 1) if count > 1 else 0
    return [int(index * step) for index in range(count)]


def combine_grid(grid: Grid) -> Image.Image:
    """The tiles put together again; where they overlap one fades into the next."""
    rows = [_joined([(x, tile) for x, _, tile in row], grid.image_w, across=True) for _, _, row in grid.tiles]
    return _joined([(each[0], row) for each, row in zip(grid.tiles, rows, strict=True)], grid.image_h, across=False)


def _joined(parts: list[tuple[int, Image.Image]], length: int, *, across: bool) -> Image.Image:
    first = parts[0][1]
    whole = Image.new("RGB", (length, first.height) if across else (first.width, length))
    end = 0
    for start, part in parts:
        size = part.width if across else part.height
        mask = Image.new("L", part.size, 255)
        if (fade := end - start) > 0:
            ramp = Image.linear_gradient("L").resize((part.width, fade) if not across else (part.height, fade))
            mask.paste(ramp.rotate(90, expand=True) if across else ramp, (0, 0))
        whole.paste(part, (start, 0) if across else (0, start), mask)
        end = start + size
    return whole


class GridAnnotation:
    """A line beside a grid: `text`, in grey where it is not `is_active`."""

    def __init__(self, text: str = "", is_active: bool = True) -> None:
        self.text, self.is_active, self.size = text, is_active, None


def get_font(fontsize: int) -> Any:
    """The font of legends, in this size."""
    from PIL import ImageFont

    from modules.imaging.grid_legend import FONT

    return ImageFont.truetype(str(FONT), fontsize)


def draw_grid_annotations(
    im: Image.Image,
    width: int,
    height: int,
    hor_texts: Sequence[Sequence[GridAnnotation]],
    ver_texts: Sequence[Sequence[GridAnnotation]],
    margin: int = 0,
) -> Image.Image:
    """A grid of cells of this size with lines above each column and left of each row."""
    from modules.a1111.grids import legend_on
    from modules.imaging.grid_legend import Caption

    across, down = (
        [[Caption(line.text, line.is_active) for line in lines] for lines in texts] for texts in (hor_texts, ver_texts)
    )
    return legend_on(im, (width, height), across, down, margin)


def sanitize_filename_part(text: str | None, replace_spaces: bool = True) -> str | None:
    """A text as a piece of a file name."""
    return None if text is None else sanitize(text, replace_spaces=replace_spaces)


class FilenameGenerator:
    """Names by pattern, with the values of `p` and of one picture: `apply("[seed]-[date]")`."""

    def __init__(
        self,
        p: StableDiffusionProcessing,
        seed: object,
        prompt: str,
        image: Image.Image,
        zip: bool = False,
        basename: str = "",
    ) -> None:
        self.p, self.seed, self.prompt, self.image, self.zip, self.basename = p, seed, prompt, image, zip, basename

    def apply(self, x: str) -> str:
        """The pattern filled in."""
        return fill_pattern(x, name_context(self.p, self.image, self.seed, self.prompt, self.basename))


def read_info_from_image(image: Image.Image) -> tuple[str | None, JsonObject]:
    """The infotext that a picture carries, and its other texts."""
    carried = read_picture_metadata(image)
    return carried.infotext, dict(carried.others)


def image_data(data: bytes) -> tuple[str | None, None]:
    """The infotext in the bytes of a picture file, or the text itself."""
    try:
        return read_picture_metadata(data).infotext, None
    except EaselError:
        try:
            return data.decode("utf8"), None
        except UnicodeDecodeError:
            return None, None


def save_image_with_geninfo(
    image: Image.Image,
    geninfo: str | None,
    filename: str,
    extension: str | None = None,
    existing_pnginfo: JsonObject | None = None,
    pnginfo_section_name: str = "parameters",
) -> None:
    """Write a picture with its text to exactly this path."""
    from modules.imaging.encode import encode

    pnginfo = dict(existing_pnginfo or {})
    if geninfo is not None:
        pnginfo[pnginfo_section_name] = geninfo
    path = Path(filename)
    ending, quality, lossless = (extension or path.suffix).lstrip("."), opts().jpeg_quality, opts().webp_lossless
    data = encode(image, ending, text=picture_text(pnginfo), quality=quality, lossless=lossless)
    with atomic_write(path) as file:
        file.write(data)
