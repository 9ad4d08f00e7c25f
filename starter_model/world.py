"""The world of the starter model: what can be in a picture, how pictures are drawn at random, what is held out.

A `Scene` is a complete, resolution-independent description of one picture in unit coordinates (x to the right,
y down, both 0..1). `draw.render` paints it and `captions.caption` puts it into words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (250, 218, 50),
    "green": (50, 160, 70),
    "cyan": (70, 208, 218),
    "blue": (45, 80, 205),
    "purple": (130, 55, 175),
    "pink": (246, 145, 192),
    "white": (245, 245, 245),
    "black": (25, 25, 28),
}
COLOURS: tuple[str, ...] = tuple(PALETTE)
SHAPES: tuple[str, ...] = ("circle", "square", "triangle", "star", "heart", "diamond", "cross", "ring")
THINGS: tuple[str, ...] = ("house", "tree", "cat", "boat")
SKIES: tuple[str, ...] = ("day", "night", "sunset")
GROUNDS: tuple[str, ...] = ("hill", "snow", "sand", "sea")
STYLES: tuple[str, ...] = ("flat", "outlined")

_THING_COLOURS: dict[str, tuple[str, ...]] = {
    "house": COLOURS,
    "boat": COLOURS,
    "cat": ("black", "white", "orange", "black", "orange", "white", "pink", "blue", "purple", "yellow", "red", "green"),
    "tree": ("green", "green", "green", "green", "green", "orange", "yellow", "pink", "red", "white", "blue", "purple"),
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One shape or thing: centre and half extent in unit coordinates; `strength` is its saturation, 1 as a rule."""

    name: str
    colour: str
    x: float
    y: float
    size: float
    strength: float = 1.0
    flipped: bool = False


@dataclass(frozen=True, kw_only=True)
class View:
    """An outdoor scene: sky, ground, where the ground begins (0 top .. 1 bottom) and the sun or moon."""

    sky: str
    ground: str
    ground_colour: str
    horizon: float
    bend: float
    light_x: float
    light_y: float
    has_light: bool


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A whole picture. `background` is a colour name, or None where `view` is given."""

    figures: tuple[Figure, ...]
    background: str | None
    view: View | None
    style: str


def is_held_out(colour: str, shape: str, background: str) -> bool:
    """Whether the triple is never drawn for training (3 in 10, by a fixed hash; symmetric in nothing)."""
    digest = hashlib.blake2b(f"{colour}|{shape}|{background}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 10 < 3


def held_out_triples() -> list[tuple[str, str, str]]:
    """All held-out (colour, shape, background) triples, in a fixed order."""
    return [
        (colour, shape, background)
        for shape in SHAPES
        for colour in COLOURS
        for background in COLOURS
        if colour != background and is_held_out(colour, shape, background)
    ]


def colour_value(colour: str, strength: float = 1.0) -> tuple[int, int, int]:
    """The sRGB value (0..255) of a colour; `strength` below 1 greys it, above 1 saturates it. White and black stay."""
    rgb = np.asarray(PALETTE[colour], np.float64)
    if colour not in ("white", "black"):
        grey = float(rgb @ (0.299, 0.587, 0.114))
        rgb = grey + (rgb - grey) * strength
    r, g, b = (int(v) for v in np.clip(np.rint(rgb), 0, 255))
    return r, g, b


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _other(rng: np.random.Generator, taken: tuple[str, ...]) -> str:
    return _pick(rng, tuple(c for c in COLOURS if c not in taken))


def _strength(rng: np.random.Generator) -> float:
    """1 for most pictures; the rest teach what the weight of a colour word means."""
    return 1.0 if rng.random() < 0.85 else float(rng.uniform(0.4, 1.6))


def _shape_figure(rng: np.random.Generator, background: str) -> Figure:
    while True:
        colour, shape = _other(rng, (background,)), _pick(rng, SHAPES)
        if not is_held_out(colour, shape, background):
            break
    size = float(rng.uniform(0.29, 0.35))
    x, y = (float(0.5 + v) for v in rng.uniform(-0.025, 0.025, 2))
    return Figure(name=shape, colour=colour, x=x, y=y, size=size, strength=_strength(rng))


def _single(rng: np.random.Generator, style: str) -> Scene:
    background = _pick(rng, COLOURS)
    if rng.random() < 0.87:
        return Scene(figures=(_shape_figure(rng, background),), background=background, view=None, style=style)
    name = _pick(rng, THINGS)
    colour = background
    while colour == background:
        colour = _pick(rng, _THING_COLOURS[name])
    size = float(rng.uniform(0.30, 0.36))
    x, y = (float(0.5 + v) for v in rng.uniform(-0.025, 0.025, 2))
    figure = Figure(
        name=name, colour=colour, x=x, y=y, size=size, strength=_strength(rng), flipped=bool(rng.random() < 0.5)
    )
    return Scene(figures=(figure,), background=background, view=None, style=style)


def _pair(rng: np.random.Generator, style: str) -> Scene:
    background = _pick(rng, COLOURS)
    figures: list[Figure] = []
    for centre in (0.27, 0.73):
        figure = _shape_figure(rng, background)
        size = float(rng.uniform(0.17, 0.20))
        x, y = centre + float(rng.uniform(-0.015, 0.015)), 0.5 + float(rng.uniform(-0.03, 0.03))
        figures.append(Figure(name=figure.name, colour=figure.colour, x=x, y=y, size=size))
    return Scene(figures=tuple(figures), background=background, view=None, style=style)


def _ground_colour(rng: np.random.Generator, ground: str) -> str:
    if ground == "hill":
        return "green" if rng.random() < 0.7 else _pick(rng, ("yellow", "orange", "purple", "pink", "red", "blue"))
    return {"snow": "white", "sand": "yellow", "sea": "blue"}[ground]


def _view(rng: np.random.Generator, style: str) -> Scene:
    ground, sky = _pick(rng, ("hill", "hill", "snow", "sand", "sea")), _pick(rng, SKIES)
    horizon = float(rng.uniform(0.63, 0.68))
    view = View(
        sky=sky,
        ground=ground,
        ground_colour=_ground_colour(rng, ground),
        horizon=horizon,
        bend=float(rng.uniform(0.06, 0.09)) if ground == "hill" else 0.0,
        light_x=float(rng.choice((0.15, 0.85)) + rng.uniform(-0.01, 0.01)),
        light_y=float(rng.uniform(0.14, 0.17)),
        has_light=bool(rng.random() < 0.6),
    )
    name = "boat" if ground == "sea" else _pick(rng, ("house", "house", "tree", "cat"))
    size = float(rng.uniform(0.24, 0.27))
    figure = Figure(
        name=name,
        colour=_pick(rng, _THING_COLOURS[name]),
        x=float(rng.uniform(0.46, 0.54)),
        y=horizon - size + 0.1,
        size=size,
        strength=_strength(rng),
        flipped=bool(rng.random() < 0.5),
    )
    return Scene(figures=(figure,), background=None, view=view, style=style)


def sample_scene(rng: np.random.Generator) -> Scene:
    """A random training scene: 66 % one figure on a plain background, 9 % two figures, 25 % outdoor views."""
    style = "outlined" if rng.random() < 0.08 else "flat"
    kind = rng.random()
    if kind < 0.66:
        return _single(rng, style)
    return _pair(rng, style) if kind < 0.75 else _view(rng, style)


def kind_of(scene: Scene) -> str:
    """'figure', 'pair' or 'view'."""
    if scene.view is not None:
        return "view"
    return "pair" if len(scene.figures) == 2 else "figure"


def scene_of_seed(seed: int) -> Scene:
    """The training scene of a seed; the same seed gives the same scene on every machine."""
    return sample_scene(np.random.default_rng(seed))
