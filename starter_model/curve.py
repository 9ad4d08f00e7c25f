"""The loss log as a picture."""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path

from PIL import Image, ImageDraw

_WIDTH, _HEIGHT, _MARGIN = 720, 300, 44
_INK, _GRID, _LINE, _RAW = (60, 60, 66), (225, 225, 230), (45, 80, 205), (190, 202, 240)


def read_log(path: Path, column: str) -> list[tuple[float, float]]:
    """(minutes, value) of a column of a `unet.csv`, rows without a value left out."""
    with path.open(newline="") as file:
        rows = [(float(row["seconds"]) / 60, float(row[column])) for row in csv.DictReader(file)]
    return [row for row in rows if not math.isnan(row[1])]


def smoothed(points: list[tuple[float, float]], span: float) -> list[tuple[float, float]]:
    """Each value replaced by the mean of those at most `span` minutes away."""
    out: list[tuple[float, float]] = []
    first = last = 0
    for minute, _ in points:
        while points[first][0] < minute - span:
            first += 1
        while last < len(points) and points[last][0] <= minute + span:
            last += 1
        out.append((minute, sum(value for _, value in points[first:last]) / (last - first)))
    return out


def draw_curve(points: list[tuple[float, float]], title: str) -> Image.Image:
    """A curve on a logarithmic scale over minutes of training."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    pen = ImageDraw.Draw(image)
    values = [value for _, value in points]
    low, high = math.log(min(values)), math.log(max(values))
    longest = max(minute for minute, _ in points)

    def place(minute: float, value: float) -> tuple[float, float]:
        x = _MARGIN + minute / longest * (_WIDTH - _MARGIN - 12)
        return x, 30 + (high - math.log(value)) / (high - low) * (_HEIGHT - 30 - _MARGIN)

    for power in range(-4, 3):
        for digit in (1, 2, 5):
            value = digit * 10.0**power
            if low <= math.log(value) <= high:
                y = place(0, value)[1]
                pen.line([(_MARGIN, y), (_WIDTH - 12, y)], fill=_GRID)
                pen.text((6, y - 6), f"{value:g}", fill=_INK)
    for minute in range(0, int(longest) + 1, 10):
        x = place(minute, values[0])[0]
        pen.line([(x, 30), (x, _HEIGHT - _MARGIN)], fill=_GRID)
        pen.text((x - 6, _HEIGHT - _MARGIN + 6), str(minute), fill=_INK)
    pen.text((_WIDTH // 2 - 60, _HEIGHT - 18), "minutes of training", fill=_INK)
    pen.text((_MARGIN, 10), title, fill=_INK)
    pen.line([place(*point) for point in points], fill=_RAW)
    pen.line([place(*point) for point in smoothed(points, longest / 60)], fill=_LINE, width=2)
    return image


def curve(options: argparse.Namespace) -> None:
    """The `curve` command."""
    points = read_log(options.workdir / "unet.csv", "loss")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw_curve(points, "weighted squared error of the predicted noise").save(options.out, optimize=True)
