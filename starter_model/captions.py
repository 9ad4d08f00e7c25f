"""Scenes put into words, again at every draw: prose or tags, synonyms, omissions, words without meaning here.

A caption is a tuple of (text, weight) pieces as attention syntax has them: "a (red:1.3) circle" is
(("a", 1.0), ("red", 1.3), ("circle", 1.0)). Whatever a caption says is true of its scene; it may leave things out.
"""

from __future__ import annotations

import numpy as np

from starter_model.world import SHAPES, Figure, Scene, View

Pieces = tuple[tuple[str, float], ...]

SYNONYMS: dict[str, tuple[str, ...]] = {
    "purple": ("violet",),
    "cyan": ("turquoise",),
    "red": ("crimson",),
    "circle": ("disc", "ball", "dot"),
    "square": ("box",),
    "diamond": ("rhombus",),
    "cross": ("plus sign",),
    "ring": ("donut",),
    "house": ("cottage", "home"),
    "cat": ("kitten",),
    "boat": ("ship", "sailboat"),
}
_OPENINGS = (
    "a picture of",
    "an image of",
    "a drawing of",
    "an illustration of",
    "a photo of",
    "a painting of",
    "simple",
)
_FILLERS = (
    "masterpiece", "best quality", "high quality", "highly detailed", "beautiful", "cute", "8k", "4k", "simple",
    "minimalist", "vector art", "illustration", "clean", "flat colors", "artstation", "sharp focus", "trending",
    "centered", "professional", "clipart", "icon", "logo", "graphic design", "colorful", "vivid", "wallpaper",
    "intricate", "digital art", "concept art", "award winning", "hd", "high resolution", "nice", "bold", "solid color",
)  # fmt: skip
_FLAT = ("flat style", "flat", "flat design")
_OUTLINED = ("outlined", "black outline", "with a black outline", "thick outlines")
_SKY_PROSE = {
    "day": (", day sky", " in the daytime", " by day", ", daylight", ", blue sky"),
    "night": (", night sky", " at night", ", night", ", dark sky"),
    "sunset": (", sunset sky", " at sunset", ", sunset", " at dusk"),
}
_SKY_TAGS = {
    "day": ("day sky", "day", "daytime", "blue sky"),
    "night": ("night sky", "night", "dark sky"),
    "sunset": ("sunset sky", "sunset", "dusk"),
}
_GROUND_PROSE = {
    "snow": ("in the snow", "on snow", "on white snow", "on a snowy field"),
    "sand": ("on the sand", "on sand", "on a beach", "in the desert"),
    "sea": ("on the sea", "on the ocean", "on the water", "at sea"),
}
_GROUND_TAGS = {"snow": ("snow", "snowy"), "sand": ("sand", "beach", "desert"), "sea": ("sea", "ocean", "water")}


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _word(rng: np.random.Generator, word: str) -> str:
    return _pick(rng, SYNONYMS[word]) if word in SYNONYMS and rng.random() < 0.12 else word


def _article(rng: np.random.Generator, follower: str) -> str:
    if follower[0] in "aeiou":
        return "an" if rng.random() < 0.6 else "a"
    return "a" if rng.random() < 0.92 else "the"


def _noun(rng: np.random.Generator, figure: Figure, vague: bool) -> str:
    if vague:
        return "shape" if figure.name in SHAPES else "thing"
    return _word(rng, figure.name)


def _named(rng: np.random.Generator, figure: Figure, *, article: bool, plain: bool) -> list[tuple[str, float]]:
    """'a red circle', with the weight on the colour (or on both words) that the figure's strength means."""
    colour, noun = (
        (figure.colour, figure.name) if plain else (_word(rng, figure.colour), _noun(rng, figure, rng.random() < 0.03))
    )
    weight = figure.strength
    if weight == 1.0 and not plain and rng.random() < 0.05:
        colour = ""
    pieces: list[tuple[str, float]] = []
    if article:
        pieces.append((_article(rng, colour or noun), 1.0))
    if colour:
        pieces.append((colour, weight))
    pieces.append((noun, weight if weight != 1.0 and rng.random() < 0.3 else 1.0))
    return pieces


def _background(rng: np.random.Generator, colour: str, plain: bool) -> str:
    colour = colour if plain else _word(rng, colour)
    return f"on {_article(rng, colour)} {colour} background"


def _ground(rng: np.random.Generator, view: View, tags: bool) -> str:
    if view.ground != "hill":
        return _pick(rng, (_GROUND_TAGS if tags else _GROUND_PROSE)[view.ground])
    noun = (
        "hill" if rng.random() < 0.85 else _pick(rng, ("hills", "grass" if view.ground_colour == "green" else "hill"))
    )
    colour = "" if view.ground_colour == "green" and rng.random() < 0.25 else f"{view.ground_colour} "
    return f"{colour}{noun}" if tags else f"on {_article(rng, colour or noun)} {colour}{noun}"


def _light(rng: np.random.Generator, view: View, tags: bool) -> str:
    if not view.has_light or rng.random() < 0.4:
        return ""
    body = _pick(rng, ("moon", "full moon")) if view.sky == "night" else "sun"
    if tags:
        return body
    return _pick(rng, (f", {body} in the sky", f", the {body}", f", {body}", f" under the {body}"))


def _prose(rng: np.random.Generator, scene: Scene, plain: bool) -> list[tuple[str, float]]:
    pieces = _named(rng, scene.figures[0], article=True, plain=plain)
    if len(scene.figures) == 2:
        if scene.figures[0].name == scene.figures[1].name and scene.figures[0].colour == scene.figures[1].colour:
            pieces = [
                ("two", 1.0),
                (scene.figures[0].colour, 1.0),
                (scene.figures[0].name + ("es" if scene.figures[0].name == "cross" else "s"), 1.0),
            ]
        else:
            sides = rng.random() < 0.4
            pieces += [("on the left and" if sides else "and", 1.0)]
            pieces += _named(rng, scene.figures[1], article=True, plain=plain)
            pieces += [("on the right" + ("," if rng.random() < 0.5 else ""), 1.0)] if sides else []
    view = scene.view
    if scene.background is not None and (plain or rng.random() < 0.93):
        pieces.append((_background(rng, scene.background, plain), 1.0))
    if view is not None:
        text = _ground(rng, view, False) if rng.random() < 0.92 else ""
        text += _pick(rng, _SKY_PROSE[view.sky]) if rng.random() < 0.92 else ""
        text += _light(rng, view, False)
        pieces.append((text, 1.0))
    return pieces


def _tags(rng: np.random.Generator, scene: Scene) -> list[list[tuple[str, float]]]:
    tags = [_named(rng, figure, article=False, plain=False) for figure in scene.figures]
    if len(scene.figures) == 2 and rng.random() < 0.3:
        tags[0].append(("on the left", 1.0))
        tags[1].append(("on the right", 1.0))
    if scene.background is not None and rng.random() < 0.93:
        tags.append([(f"{_word(rng, scene.background)} background", 1.0)])
    if scene.view is not None:
        view = scene.view
        extra = [_ground(rng, view, True), _pick(rng, _SKY_TAGS[view.sky]), _light(rng, view, True)]
        tags += [[(tag, 1.0)] for tag in extra if tag and rng.random() < 0.92]
    if rng.random() < 0.4:
        start = len(scene.figures) if len(scene.figures) == 2 else 0
        tail = tags[start:]
        order = rng.permutation(len(tail))
        tags = tags[:start] + [tail[int(i)] for i in order]
    return tags


def _fillers(rng: np.random.Generator) -> list[tuple[str, float]]:
    count = int(rng.integers(1, 4)) if rng.random() < 0.8 else int(rng.integers(4, 10))
    weight = 1.0 if rng.random() < 0.85 else float(rng.uniform(0.6, 1.5))
    return [(", ".join(_pick(rng, _FILLERS) for _ in range(count)), weight)]


def caption(scene: Scene, rng: np.random.Generator) -> Pieces:
    """A true caption of the scene."""
    kind = rng.random()
    if kind < 0.4:
        pieces = _prose(rng, scene, plain=True)
    elif kind < 0.68:
        pieces = _prose(rng, scene, plain=False)
        if rng.random() < 0.25:
            pieces.insert(0, (_pick(rng, _OPENINGS), 1.0))
    else:
        pieces = []
        for tag in _tags(rng, scene):
            pieces += [(",", 1.0)] * bool(pieces) + tag
    if scene.style == "outlined" and rng.random() < 0.9:
        pieces += [(",", 1.0), (_pick(rng, _OUTLINED), 1.0)]
    elif rng.random() < 0.06:
        pieces += [(",", 1.0), (_pick(rng, _FLAT), 1.0)]
    if rng.random() < 0.15:
        front = rng.random() < 0.4
        extra = _fillers(rng)
        pieces = [*extra, (",", 1.0), *pieces] if front else [*pieces, (",", 1.0), *extra]
    return tuple((text, weight) for text, weight in pieces if text)


def plain_text(pieces: Pieces) -> str:
    """The caption as a reader would see it, weights left out."""
    text = " ".join(text.strip() for text, _ in pieces)
    return text.replace(" ,", ",")
