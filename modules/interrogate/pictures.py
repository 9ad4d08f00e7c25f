"""Pictures as the networks that look at them want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from modules.imaging.resize import flatten

if TYPE_CHECKING:
    from PIL import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and deviation of the pictures that CLIP was trained on (Radford et al. 2021); BLIP takes the same."""


def stretched(image: Image.Image, side: int) -> Image.Image:
    """The picture as a square of `side` pixels, its proportions given up, as BLIP sees it."""
    from PIL import Image

    return flatten(image).resize((side, side), Image.Resampling.BICUBIC)


def middle_square(image: Image.Image, side: int) -> Image.Image:
    """The square in the middle of the picture, its shorter side brought to `side` pixels, as CLIP sees it."""
    from PIL import Image

    picture = flatten(image)
    scale = side / min(picture.size)
    size = (max(int(picture.width * scale), side), max(int(picture.height * scale), side))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return picture.crop((left, top, left + side, top + side))


def padded_square(image: Image.Image, side: int) -> Image.Image:
    """The whole picture on a white square of `side` pixels, as the WD14 taggers see it."""
    from PIL import Image

    picture = flatten(image)
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), "white")
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    return square if longest == side else square.resize((side, side), Image.Resampling.BICUBIC)


def normalised(image: Image.Image, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Red, green and blue as [1, 3, height, width], less `mean`, by `std`."""
    pixels = torch.from_numpy(np.array(image, dtype=np.float32)).permute(2, 0, 1)[None] / 255
    return (pixels - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
