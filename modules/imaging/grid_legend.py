"""What is written above the columns and beside the rows of a grid of pictures."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

FONT = Path(__file__).parent / "fonts" / "Roboto-Regular.ttf"
SMALLEST_FONT = 1

LONGEST = 1000
"""Characters of a caption that are drawn; more cannot be read beside a picture."""


@dataclass(frozen=True)
class Caption:
    """One text of a legend; one that is not `active` is drawn in the other colour and struck through."""

    text: str = ""
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class LegendStyle:
    """Colours as Pillow takes them, and the font's file; an empty one is the program's own."""

    background: str = "#ffffff"
    active: str = "#000000"
    inactive: str = "#999999"
    font: str = ""


@dataclass(frozen=True, kw_only=True)
class _Line:
    text: str
    font: ImageFont.FreeTypeFont
    height: int
    active: bool


def with_legend(
    grid: Image.Image,
    cell: tuple[int, int],
    across: Sequence[Sequence[Caption]],
    down: Sequence[Sequence[Caption]],
    *,
    margin: int = 0,
    style: LegendStyle | None = None,
    most_pixels: float = math.inf,
) -> Image.Image:
    """`grid`, of cells of this (width, height), with captions above each column and left of each row.

    Each of `across` and `down` is the captions of one column or row, below each other; long ones are broken between
    words, and letters become smaller where one word is too wide. `margin` pixels are left between cells. Text is as
    high as the 25th part of a cell's width and height together; beside the rows it has three quarters of a cell. A
    legend with which the whole would have more than `most_pixels` is left out: the pictures are what counts.
    """
    from PIL import Image, ImageDraw

    style = style or LegendStyle()
    width, height = cell
    size = max((width + height) // 25, SMALLEST_FONT)
    spacing = size // 2
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = width * 3 // 4 if any(caption.text for captions in down for caption in captions) else 0
    columns = [_lines(measure, captions, width, size, style) for captions in across]
    rows = [_lines(measure, captions, left, size, style) for captions in down]
    named = any(caption.text for captions in across for caption in captions)
    top = max(_height(lines, spacing) for lines in columns) + 2 * spacing if named else 0
    whole_size = grid.width + left + margin * (len(across) - 1), grid.height + top + margin * (len(down) - 1)
    if math.prod(whole_size) > most_pixels:
        return grid
    whole = Image.new("RGB", whole_size, style.background)
    for row in range(len(down)):
        for column in range(len(across)):
            part = grid.crop((width * column, height * row, width * (column + 1), height * (row + 1)))
            whole.paste(part, (left + (width + margin) * column, top + (height + margin) * row))
    draw = ImageDraw.Draw(whole)
    for column, lines in enumerate(columns):
        middle = left + (width + margin) * column + width / 2
        _write(draw, lines, (middle, top / 2 - _height(lines, spacing) / 2), spacing, style)
    for row, lines in enumerate(rows):
        middle = top + (height + margin) * row + height / 2
        _write(draw, lines, (left / 2, middle - _height(lines, spacing) / 2), spacing, style)
    return whole


def _lines(
    draw: ImageDraw.ImageDraw, captions: Sequence[Caption], width: int, size: int, style: LegendStyle
) -> list[_Line]:
    lines: list[_Line] = []
    for caption in captions:
        shown = caption.text if len(caption.text) <= LONGEST else caption.text[:LONGEST] + "..."
        for text in _wrapped(draw, shown, width, _font(style, size)):
            font = _fitting(draw, text, width, size, style)
            box = draw.multiline_textbbox((0, 0), text, font=font)
            lines.append(_Line(text=text, font=font, height=int(box[3] - box[1]), active=caption.active))
    return lines


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """The words of `text` in lines that are no wider than `width`, as far as single words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or draw.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _fitting(draw: ImageDraw.ImageDraw, text: str, width: int, size: int, style: LegendStyle) -> ImageFont.FreeTypeFont:
    """The font at the largest size, up to `size`, at which the line is no wider than `width`."""
    smallest, largest = SMALLEST_FONT, size
    if draw.textlength(text, font=_font(style, size)) <= width:
        return _font(style, size)
    while smallest < largest:
        tried = (smallest + largest + 1) // 2
        if draw.textlength(text, font=_font(style, tried)) <= width:
            smallest = tried
        else:
            largest = tried - 1
    return _font(style, smallest)


@functools.lru_cache(maxsize=64)
def _font(style: LegendStyle, size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(style.font or str(FONT), size)
    except OSError:
        # A font of the settings that is gone costs its letters, not the grid.
        return ImageFont.truetype(str(FONT), size)


def _height(lines: Sequence[_Line], spacing: int) -> int:
    return sum(line.height + spacing for line in lines) - spacing


def _write(
    draw: ImageDraw.ImageDraw, lines: Sequence[_Line], at: tuple[float, float], spacing: int, style: LegendStyle
) -> None:
    """The lines below each other, the middle of the first one's upper edge at (x, y)."""
    x, y = at
    for line in lines:
        colour = style.active if line.active else style.inactive
        draw.multiline_text(
            (x, y + line.height / 2), line.text, font=line.font, fill=colour, anchor="mm", align="center"
        )
        if not line.active:
            half = draw.textlength(line.text, font=line.font) / 2
            draw.line((x - half, y + line.height / 2, x + half, y + line.height / 2), fill=colour, width=4)
        y += line.height + spacing
