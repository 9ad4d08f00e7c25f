"""Tells which shape in which colour on which background a picture shows. Written on the renderer, no learning.

The frame of the picture gives the background colour; what differs from it is the foreground; its largest connected
part, brought to a common size, is compared with the same normalisation of every rendered shape by intersection over
union.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from starter_model.draw import shape_mask
from starter_model.world import COLOURS, PALETTE, SHAPES

_SIDE = 64
_TEMPLATE = 40
ENOUGH_OVERLAP = 0.72
"""The least intersection over union with a shape for a picture to count as showing it."""
MOST_STRAY = 0.15
"""The largest share of foreground that may lie outside the largest connected part."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a picture shows. `shape` is None where nothing resembles a single known shape; `overlaps` are with each."""

    colour: str
    background: str
    shape: str | None
    overlap: float
    overlaps: dict[str, float] = field(default_factory=dict)


def nearest_colour(rgb: np.ndarray) -> str:
    """The palette colour nearest to an sRGB value (0..255)."""
    distances = [float(np.square(np.asarray(PALETTE[name], np.float64) - rgb).sum()) for name in COLOURS]
    return COLOURS[int(np.argmin(distances))]


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest 4-connected part of a boolean mask."""
    todo, best = mask.copy(), np.zeros_like(mask)
    most = 0
    height, width = mask.shape
    for y0, x0 in np.argwhere(mask):
        if not todo[y0, x0]:
            continue
        todo[y0, x0] = False
        part, edge = [(int(y0), int(x0))], [(int(y0), int(x0))]
        while edge:
            y, x = edge.pop()
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= ny < height and 0 <= nx < width and todo[ny, nx]:
                    todo[ny, nx] = False
                    part.append((ny, nx))
                    edge.append((ny, nx))
        if len(part) > most:
            most = len(part)
            best = np.zeros_like(mask)
            best[tuple(np.asarray(part).T)] = True
    return best


def _normalised(mask: np.ndarray) -> np.ndarray:
    """The masked part centred in a square frame that it just fills, sampled at a fixed size."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = max(y1 - y0, x1 - x0)
    steps = (np.arange(_TEMPLATE) + 0.5) / _TEMPLATE * side
    y = np.floor((y0 + y1 - side) / 2 + steps).astype(int)
    x = np.floor((x0 + x1 - side) / 2 + steps).astype(int)
    inside = ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))[None, :]
    return mask[np.clip(y, 0, len(mask) - 1)][:, np.clip(x, 0, mask.shape[1] - 1)] & inside


@functools.cache
def _templates() -> dict[str, np.ndarray]:
    return {shape: _normalised(shape_mask(shape, 256) > 0.5) for shape in SHAPES}


def _shrink(picture: np.ndarray) -> np.ndarray:
    """Box means of the picture at 64 x 64."""
    height, width = (v // _SIDE * _SIDE for v in picture.shape[:2])
    cut = picture[:height, :width].astype(np.float64)
    return cut.reshape(_SIDE, height // _SIDE, _SIDE, width // _SIDE, 3).mean((1, 3))


def shape_overlaps(mask: np.ndarray) -> dict[str, float]:
    """Intersection over union of a boolean mask with every shape, after normalisation."""
    mine = _normalised(mask)
    return {name: float((mine & t).sum() / (mine | t).sum()) for name, t in _templates().items()}


def judge(picture: np.ndarray) -> Verdict:
    """The verdict on a uint8 picture [h, w, 3] of at least 64 x 64 pixels."""
    small = _shrink(picture)
    frame = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    behind = np.median(frame, axis=0)
    away = np.sqrt(np.square(small - behind).sum(-1))
    far = away > 0.6 * np.percentile(away, 98)
    front = np.median(small[far], axis=0) if far.any() else behind
    mask = np.square(small - front).sum(-1) < np.square(small - behind).sum(-1)
    colour, background = nearest_colour(front), nearest_colour(behind)
    if mask.sum() < 0.015 * mask.size or float(np.abs(front - behind).max()) < 12:
        return Verdict(colour=colour, background=background, shape=None, overlap=0.0)
    part = largest_part(mask)
    front = np.median(small[part], axis=0)
    overlaps = shape_overlaps(part)
    shape = max(overlaps, key=lambda name: overlaps[name])
    single = 1 - part.sum() / mask.sum() <= MOST_STRAY
    shown = shape if single and overlaps[shape] >= ENOUGH_OVERLAP else None
    return Verdict(
        colour=nearest_colour(front), background=background, shape=shown, overlap=overlaps[shape], overlaps=overlaps
    )
