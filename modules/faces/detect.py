"""From a picture to the faces in it: anchors, decoding, suppression of doubles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.ops import nms

STRIDES = (8, 16, 32)
SIDES = ((16, 32), (64, 128), (256, 512))
"""Sides of the anchors of each level, in pixels."""

VARIANCES = (0.1, 0.2)
MEANS = (104.0, 117.0, 123.0)
"""Of blue, green and red, 0 to 255."""

SURE = 0.97
"""Least probability of a face."""

OVERLAP = 0.4
"""Faces that share more of their area than this are one."""

SHORT_SIDE, LONG_SIDE = 640, 1920
"""A picture is enlarged to the first at least, so that small faces are found, and reduced to the second at most."""

DetectorNetwork = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Face:
    """A face: its `box` (left, top, right, bottom) and five `landmarks` (x, y), in pixels of the picture.

    The landmarks are both eyes, the tip of the nose and both corners of the mouth, from left to right as one sees them.
    """

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    probability: float


def detect_faces(image: Image.Image, network: DetectorNetwork, device: Any = "cpu") -> list[Face]:
    """The faces in `image`, largest first."""
    scale = working_scale(image.width, image.height)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    working = image.convert("RGB").resize(size, Image.Resampling.BILINEAR if scale > 1 else Image.Resampling.BOX)
    pixels = np.ascontiguousarray(np.asarray(working, dtype=np.float32)[:, :, ::-1] - np.array(MEANS, np.float32))
    with torch.inference_mode():
        answer = network(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).to(device))
    probabilities, boxes, landmarks = (each[0].float().cpu() for each in answer)
    found = decode(probabilities, boxes, landmarks, size)
    factors = np.array([image.width / size[0], image.height / size[1]])
    return [Face(face.box * np.tile(factors, 2), face.landmarks * factors, face.probability) for face in found]


def working_scale(width: int, height: int) -> float:
    """How much a picture is resized before faces are looked for."""
    enlarged = max(SHORT_SIDE / min(width, height), 1.0)
    return min(enlarged, LONG_SIDE / max(width, height))


def anchors(width: int, height: int) -> Tensor:
    """Centre x and y, and width and height, of every anchor, as shares of the picture's size: shape (anchors, 4)."""
    rows: list[Tensor] = []
    for stride, sides in zip(STRIDES, SIDES, strict=True):
        across, down = math.ceil(width / stride), math.ceil(height / stride)
        x = (torch.arange(across) + 0.5) * stride / width
        y = (torch.arange(down) + 0.5) * stride / height
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1).flip(-1)
        shape = torch.tensor([[side / width, side / height] for side in sides])
        places = grid[:, :, None, :].expand(down, across, len(sides), 2)
        rows.append(torch.cat([places, shape.expand(down, across, len(sides), 2)], dim=-1).reshape(-1, 4))
    return torch.cat(rows)


def decode(probabilities: Tensor, boxes: Tensor, landmarks: Tensor, size: tuple[int, int]) -> list[Face]:
    """The faces that the network's answer for a picture of `size` (width, height) means, largest first.

    Shapes: (anchors,), (anchors, 4), (anchors, 10). Boxes and landmarks are relative to their anchors.
    """
    sure = probabilities > SURE
    anchor, probabilities = anchors(*size)[sure], probabilities[sure]
    centre, extent = anchor[:, :2], anchor[:, 2:]
    middle = centre + boxes[sure, :2] * VARIANCES[0] * extent
    half = extent * torch.exp(boxes[sure, 2:] * VARIANCES[1]) / 2
    scale = torch.tensor([float(size[0]), float(size[1])])
    corners = torch.cat([(middle - half) * scale, (middle + half) * scale], dim=1)
    points = (centre[:, None] + landmarks[sure].reshape(-1, 5, 2) * VARIANCES[0] * extent[:, None]) * scale
    kept = nms(corners, probabilities, OVERLAP).tolist()
    faces = [Face(corners[i].double().numpy(), points[i].double().numpy(), float(probabilities[i])) for i in kept]
    return sorted(faces, key=_area, reverse=True)


def _area(face: Face) -> float:
    left, top, right, bottom = face.box
    return float((right - left) * (bottom - top))


def eyes_apart(face: Face) -> float:
    """Pixels between the eyes; of faces that are too small there is nothing to restore."""
    return float(np.linalg.norm(face.landmarks[0] - face.landmarks[1]))
