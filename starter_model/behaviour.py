"""What the controls do to pictures of the shipped file: emphasis, negative prompts, image to image, larger pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from starter_model.draw import render
from starter_model.engine import Maker
from starter_model.judge import judge, largest_part
from starter_model.world import PALETTE, Figure, Scene

WEIGHTS = (0.6, 1.0, 1.4)


def redness(picture: np.ndarray) -> float:
    """Mean of red less the mean of green and blue over the middle of the picture, 0..255."""
    height, width = picture.shape[:2]
    middle = picture[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5].astype(np.float64)
    r, g, b = middle.reshape(-1, 3).mean(0)
    return float(r - (g + b) / 2)


def largest_share(picture: np.ndarray, colour: str) -> float:
    """How much of what has a palette colour lies in one connected part, 0..1; 0 where nothing has it."""
    distances = [np.square(picture.astype(np.float64) - np.asarray(value)).sum(-1) for value in PALETTE.values()]
    mask = np.argmin(distances, axis=0) == list(PALETTE).index(colour)
    height, width = (v // 64 for v in mask.shape)
    small = mask[: height * 64, : width * 64].reshape(64, height, 64, width).mean((1, 3)) > 0.5
    return float(largest_part(small).sum() / small.sum()) if small.sum() >= 20 else 0.0


def emphasis(make: Maker, seeds: range) -> dict[str, Any]:
    """Redness of a circle by the weight of 'red', and the share of seeds where it rises from weight to weight."""
    values = np.asarray(
        [
            [redness(p) for p in make.make([f"a (red:{weight}) circle on a white background"] * len(seeds), seeds)]
            for weight in WEIGHTS
        ]
    )
    rising = (np.diff(values, axis=0) > 0).all(0)
    means = {str(weight): round(float(v), 1) for weight, v in zip(WEIGHTS, values.mean(1), strict=True)}
    return {"redness": means, "rising": round(float(rising.mean()), 3)}


def negative(make: Maker, seeds: range) -> dict[str, float]:
    """What naming something in the negative prompt does to it where the prompt leaves it open.

    `colour goes` is the share of pictures in which the colour that came is no longer there when the negative prompt
    names it; the others are the mean overlap of a figure with a circle, without and with "circle" named.
    """
    prompts = ["a circle on a white background"] * len(seeds)
    came = [judge(picture).colour for picture in make.make(prompts, seeds)]
    left = [
        judge(make.make(prompts[:1], [seed], negative=colour)[0]).colour
        for seed, colour in zip(seeds, came, strict=True)
    ]

    def roundness(against: str) -> float:
        made = make.make(["a red shape on a white background"] * len(seeds), seeds, negative=against)
        return round(float(np.mean([judge(picture).overlaps.get("circle", 0.0) for picture in made])), 3)

    return {
        "colour goes": round(float(np.mean([a != b for a, b in zip(came, left, strict=True)])), 3),
        "roundness": roundness(""),
        "roundness against circle": roundness("circle"),
    }


def image_to_image(make: Maker, seeds: range) -> dict[str, float]:
    """A red circle off centre turned blue: the share that are blue, are circles, and stay in place."""
    figure = Figure(name="circle", colour="red", x=0.42, y=0.56, size=0.3)
    start = np.asarray(render(Scene(figures=(figure,), background="white", view=None, style="flat"), 256))
    made = make.make(
        ["a blue circle on a white background"] * len(seeds), seeds, init=[start] * len(seeds), strength=0.75
    )
    before = np.abs(start.astype(int) - 245).sum(-1) > 60
    stay = []
    for picture in made:
        after = np.abs(picture.astype(int) - 245).sum(-1) > 60
        stay.append(float((before & after).sum() / max(1, (before | after).sum())))
    verdicts = [judge(p) for p in made]
    return {
        "blue": round(float(np.mean([v.colour == "blue" for v in verdicts])), 3),
        "circle": round(float(np.mean([v.shape == "circle" for v in verdicts])), 3),
        "overlap": round(float(np.mean(stay)), 3),
    }


def large_scene(make: Maker, seeds: range) -> dict[str, Any]:
    """Houses at 512x512: the share of pictures with at least four fifths of all red in one connected part."""
    made = make.make(["a red house on a green hill, night sky"] * len(seeds), seeds, size=512)
    shares = [largest_share(picture, "red") for picture in made]
    return {"one house": round(float(np.mean([s >= 0.8 for s in shares])), 3), "shares": [round(s, 2) for s in shares]}


def behaviour(make: Maker, count: int = 16) -> dict[str, Any]:
    """Measure all of the behaviours above."""
    seeds = range(500, 500 + count)
    return {
        "emphasis": emphasis(make, seeds),
        "negative": negative(make, seeds),
        "image_to_image": image_to_image(make, seeds),
        "large_scene": large_scene(make, seeds[: max(1, count // 2)]),
    }
