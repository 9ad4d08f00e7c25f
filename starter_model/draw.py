"""The renderer: paints a `Scene` with Pillow at any size, four times supersampled. No foreign picture is involved."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from starter_model.world import Figure, Scene, View, colour_value

Points = list[tuple[float, float]]
Colour = tuple[int, int, int]

_INK: Colour = (20, 20, 24)
_WOOD: Colour = (105, 70, 45)
_GLASS: Colour = (252, 236, 150)
_SKY: dict[str, tuple[Colour, Colour]] = {
    "day": ((110, 180, 245), (185, 225, 252)),
    "night": ((14, 18, 48), (34, 42, 88)),
    "sunset": ((150, 70, 130), (252, 165, 80)),
}
_GROUND: dict[str, Colour] = {"snow": (240, 244, 250), "sand": (235, 205, 130), "sea": (30, 100, 170)}


def _ellipse(cx: float, cy: float, rx: float, ry: float, count: int = 64) -> Points:
    angles = (2 * math.pi * i / count for i in range(count))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def _heart() -> Points:
    points: Points = []
    for i in range(80):
        t = 2 * math.pi * i / 80
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x / 16, -(y + 2.5) / 15))
    return points


def _star() -> Points:
    points: Points = []
    for i in range(10):
        radius, angle = (1.08 if i % 2 == 0 else 0.44), math.pi * i / 5 - math.pi / 2
        points.append((radius * math.cos(angle), radius * math.sin(angle) + 0.06))
    return points


_ARM = 0.34
_UPRIGHT: Points = [(-_ARM, -1.0), (_ARM, -1.0), (_ARM, 1.0), (-_ARM, 1.0)]
_SHAPES: dict[str, list[tuple[Points, bool]]] = {
    "circle": [(_ellipse(0, 0, 0.95, 0.95), True)],
    "square": [([(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)], True)],
    "triangle": [([(0, -0.92), (1.0, 0.82), (-1.0, 0.82)], True)],
    "star": [(_star(), True)],
    "heart": [(_heart(), True)],
    "diamond": [([(0, -1.05), (0.68, 0), (0, 1.05), (-0.68, 0)], True)],
    "cross": [(_UPRIGHT, True), ([(y, x) for x, y in _UPRIGHT], True)],
    "ring": [(_ellipse(0, 0, 1.0, 1.0), True), (_ellipse(0, 0, 0.55, 0.55), False)],
}


def shape_polygons(shape: str) -> list[tuple[Points, bool]]:
    """The outline of a shape in -1..1 coordinates as polygons painted in order; False cuts a hole."""
    return _SHAPES[shape]


def shape_mask(shape: str, pixels: int, *, x: float = 0.5, y: float = 0.5, size: float = 0.4) -> np.ndarray:
    """The coverage of a shape as a float array [pixels, pixels] in 0..1."""
    mask = Image.new("L", (pixels * 4, pixels * 4), 0)
    pen = ImageDraw.Draw(mask)
    for points, solid in shape_polygons(shape):
        pen.polygon(
            [((x + size * px) * pixels * 4, (y + size * py) * pixels * 4) for px, py in points], fill=255 * solid
        )
    return np.asarray(mask.reduce(4), np.float32) / 255.0


def _shade(colour: Colour, factor: float) -> Colour:
    r, g, b = (max(0, min(255, round(v * factor))) for v in colour)
    return r, g, b


def _thing_parts(name: str, body: Colour) -> list[tuple[Points, Colour]]:
    """The parts of a thing in -1..1 coordinates (its foot at y = 1), back to front."""
    match name:
        case "house":
            roof = _shade(_WOOD, 0.75)
            return [
                ([(-0.8, -0.15), (0.8, -0.15), (0.8, 1.0), (-0.8, 1.0)], body),
                ([(0, -1.0), (1.0, -0.12), (-1.0, -0.12)], roof),
                ([(-0.2, 0.35), (0.2, 0.35), (0.2, 1.0), (-0.2, 1.0)], roof),
                ([(-0.65, 0.1), (-0.32, 0.1), (-0.32, 0.48), (-0.65, 0.48)], _GLASS),
                ([(0.32, 0.1), (0.65, 0.1), (0.65, 0.48), (0.32, 0.48)], _GLASS),
            ]
        case "tree":
            return [
                ([(-0.14, 0.1), (0.14, 0.1), (0.18, 1.0), (-0.18, 1.0)], _WOOD),
                (_ellipse(-0.36, -0.12, 0.42, 0.42), body),
                (_ellipse(0.36, -0.12, 0.42, 0.42), body),
                (_ellipse(0, -0.5, 0.5, 0.5), body),
            ]
        case "cat":
            eye = _INK if sum(body) > 240 else _GLASS
            return [
                ([(0.3, 0.95), (0.75, 0.9), (0.92, 0.3), (0.75, 0.25), (0.62, 0.7), (0.2, 0.7)], body),
                (_ellipse(0, 0.5, 0.5, 0.5), body),
                ([(-0.52, -1.0), (-0.05, -0.6), (-0.48, -0.2)], body),
                ([(0.52, -1.0), (0.05, -0.6), (0.48, -0.2)], body),
                (_ellipse(0, -0.3, 0.53, 0.45), body),
                (_ellipse(-0.22, -0.34, 0.1, 0.13, 24), eye),
                (_ellipse(0.22, -0.34, 0.1, 0.13, 24), eye),
            ]
        case "boat":
            return [
                ([(-0.06, -1.0), (0.06, -1.0), (0.06, 0.5), (-0.06, 0.5)], _WOOD),
                ([(0.1, -0.95), (0.8, 0.3), (0.1, 0.3)], (245, 245, 240)),
                ([(-0.1, -0.7), (-0.1, 0.3), (-0.65, 0.3)], (225, 225, 222)),
                ([(-1.0, 0.42), (1.0, 0.42), (0.68, 1.0), (-0.68, 1.0)], body),
            ]
        case _:
            raise ValueError(f"unknown thing {name!r}")


class _Canvas:
    """A supersampled picture with helpers that take unit coordinates."""

    def __init__(self, pixels: int, fill: Colour) -> None:
        self.side = pixels * 4
        self.image = Image.new("RGB", (self.side, self.side), fill)
        self.pen = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        self.pen.polygon([(x * self.side, y * self.side) for x, y in points], fill=fill)

    def outline(self, points: Sequence[tuple[float, float]], width: float) -> None:
        path = [(x * self.side, y * self.side) for x, y in points]
        self.pen.line([*path, path[0], path[1]], fill=_INK, width=round(width * self.side), joint="curve")


def _paint_shape(canvas: _Canvas, figure: Figure, fill: Colour, outlined: bool) -> None:
    mask = Image.new("L", canvas.image.size, 0)
    pen = ImageDraw.Draw(mask)
    placed = [
        ([(figure.x + figure.size * px, figure.y + figure.size * py) for px, py in points], solid)
        for points, solid in shape_polygons(figure.name)
    ]
    if outlined:
        for points, _ in placed:
            canvas.outline(points, 0.035)
    for points, solid in placed:
        pen.polygon([(x * canvas.side, y * canvas.side) for x, y in points], fill=255 * solid)
    canvas.image.paste(fill, (0, 0), mask)


def _paint_figure(canvas: _Canvas, figure: Figure, outlined: bool) -> None:
    fill = colour_value(figure.colour, figure.strength)
    if figure.name not in ("house", "tree", "cat", "boat"):
        _paint_shape(canvas, figure, fill, outlined)
        return
    turn = -1.0 if figure.flipped else 1.0
    parts = [
        ([(figure.x + figure.size * turn * px, figure.y + figure.size * py) for px, py in points], colour)
        for points, colour in _thing_parts(figure.name, fill)
    ]
    if outlined:
        for points, _ in parts:
            canvas.outline(points, 0.025)
    for points, colour in parts:
        canvas.polygon(points, colour)


def _paint_view(canvas: _Canvas, view: View) -> None:
    top, low = (np.asarray(c, np.float64) for c in _SKY[view.sky])
    bands = 48
    for i in range(bands):
        r, g, b = (round(float(v)) for v in top + (low - top) * i / (bands - 1))
        low_edge = view.horizon + view.bend
        y0, y1 = low_edge * i / bands, low_edge * (i + 1) / bands + 0.004
        canvas.polygon([(0, y0), (1, y0), (1, y1), (0, y1)], (r, g, b))
    if view.has_light:
        light: Colour = (250, 246, 215) if view.sky == "night" else (255, 222, 70)
        canvas.polygon(_ellipse(view.light_x, view.light_y, 0.085, 0.085), light)
    ground = _GROUND.get(view.ground) or colour_value(view.ground_colour)
    if view.sky == "night":
        ground = _shade(ground, 0.8)
    crest = [(i / 32, view.horizon + view.bend * (2 * i / 32 - 1) ** 2) for i in range(33)]
    canvas.polygon([*crest, (1.0, 1.01), (0.0, 1.01)], ground)


def render(scene: Scene, pixels: int) -> Image.Image:
    """The scene as a square RGB picture."""
    canvas = _Canvas(pixels, colour_value(scene.background) if scene.background else (0, 0, 0))
    if scene.view is not None:
        _paint_view(canvas, scene.view)
    for figure in scene.figures:
        _paint_figure(canvas, figure, scene.style == "outlined")
    return canvas.image.reduce(4)
