"""A picture given the colours of another one, so that repeated img2img does not drift in tint.

Histograms are matched channel by channel in CIE L*a*b*, as in Gonzalez, Woods, "Digital Image Processing", section 3.3.
The brightness is then that of the picture itself again: blend mode "luminosity" of W3C, "Compositing and Blending
Level 1", section 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from modules.imaging.lab import from_lab, to_lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Levels = NDArray[np.uint8]

_LUMA = (0.299, 0.587, 0.114)


def with_colours_of(picture: Image.Image, target: Image.Image) -> Image.Image:
    """`picture` with the colours of `target`, both RGB; sizes may differ. Its brightness stays."""
    levels = np.asarray(picture.convert("RGB"))
    source, wanted = to_lab(levels), to_lab(np.asarray(target.convert("RGB")))
    matched = np.stack([_matched(source[..., c], wanted[..., c]) for c in range(3)], axis=-1)
    return Image.fromarray(_with_luminosity(from_lab(matched), levels))


def _matched(source: Levels, target: Levels) -> Levels:
    """`source` with the levels of equal rank in `target`."""
    counts = np.bincount(source.reshape(-1), minlength=256)
    wanted = np.bincount(target.reshape(-1), minlength=256)
    present = np.nonzero(wanted)[0]
    ranks = np.cumsum(counts) / source.size
    table = np.interp(ranks, np.cumsum(wanted[present]) / target.size, present)
    return table.astype(np.uint8)[source]


def _with_luminosity(colours: Levels, brightness: Levels) -> Levels:
    """`colours` with the luminosity of `brightness`, brought back into range along the line to grey."""
    weights: object = np.array(_LUMA)
    rgb, wanted = colours / 255.0, (brightness / 255.0) @ weights
    rgb = rgb + (wanted - rgb @ weights)[..., None]
    light = (rgb @ weights)[..., None]
    low, high = rgb.min(axis=-1, keepdims=True), rgb.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        rgb = np.where(low < 0, light + (rgb - light) * light / (light - low), rgb)
        rgb = np.where(high > 1, light + (rgb - light) * (1 - light) / (high - light), rgb)
    return (rgb * 255).clip(0, 255).astype(np.uint8)
