"""A face upright in a square of its own, and back from there into its picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 512
TEMPLATE = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.1936],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ]
)
"""Where eyes, nose and corners of the mouth lie in the faces of FFHQ at 512x512, which restorers are trained on."""

FADE = 48
"""Pixels of the square over which a restored face fades into its picture."""

EDGE = 4
"""Pixels by which a picture is continued at its edge, in the size of the square."""

OUTSIDE = (135, 133, 132)
"""The colour beyond that; it is the one of restorers' training."""

Matrix = NDArray[np.float64]


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Matrix:
    """The 2x3 matrix of turning, scaling and moving that brings points `source` nearest to `target`.

    Least squares: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    middle_source, middle_target = source.mean(axis=0), target.mean(axis=0)
    from_middle, to_middle = source - middle_source, target - middle_target
    u, singular, vt = np.linalg.svd(to_middle.T @ from_middle / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = u @ np.diag(sign) @ vt
    spread = float((from_middle**2).sum() / len(source))
    scale = float((singular * sign).sum()) / max(spread, 1e-12)
    linear = scale * rotation
    return np.column_stack([linear, middle_target - linear @ middle_source]).astype(np.float64)


def inverse(matrix: Matrix) -> Matrix:
    """The affine matrix from the square back into the picture."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]]).astype(np.float64)


@dataclass(frozen=True)
class Placed:
    """An upright face: the square `image`, and the matrix from the picture to it."""

    image: Image.Image
    matrix: Matrix


def cut_out(picture: Image.Image, landmarks: NDArray[np.float64]) -> Placed:
    """The face with these five landmarks as a square of `SIDE` pixels. `picture` is RGB."""
    matrix = similarity(landmarks, TEMPLATE)
    # A large face is first made smaller as a whole: the warp reads single pixels and would skip most of them.
    reduce = max(int(1 / math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))), 1)
    source, back = _edge_repeated(picture, EDGE * reduce), inverse(matrix)
    back = back + np.array([[0, 0, EDGE * reduce]])
    if reduce > 1:
        source = source.reduce(reduce)
        back = (back + np.array([[0, 0, 0.5], [0, 0, 0.5]])) / reduce - np.array([[0, 0, 0.5], [0, 0, 0.5]])
    return Placed(_warped(source, back, (SIDE, SIDE), fill=OUTSIDE), matrix)


def _edge_repeated(picture: Image.Image, by: int) -> Image.Image:
    """`picture` with its outermost pixels repeated, so that the colour beyond does not bleed into them."""
    return Image.fromarray(np.pad(np.asarray(picture), ((by, by), (by, by), (0, 0)), mode="edge"))


def lay_back(picture: Image.Image, face: Placed) -> Image.Image:
    """`picture` with the face laid in; its edge fades. The rest is bit for bit what it was."""
    matrix, back = face.matrix, inverse(face.matrix)
    corners = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]]) @ back[:, :2].T + back[:, 2]
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 1, picture.size).astype(int)
    if (high <= low).any():
        return picture
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    into_face = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low])
    image, mask = face.image, _mask()
    reduce = max(int(math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))), 1)
    if reduce > 1:
        image, mask = image.reduce(reduce), mask.reduce(reduce)
        into_face = (into_face + np.array([[0, 0, 0.5], [0, 0, 0.5]])) / reduce - np.array([[0, 0, 0.5], [0, 0, 0.5]])
    result = picture.copy()
    result.paste(_warped(image, into_face, size), (int(low[0]), int(low[1])), _warped(mask, into_face, size))
    return result


def _warped(
    image: Image.Image, matrix: Matrix, size: tuple[int, int], fill: tuple[int, int, int] | None = None
) -> Image.Image:
    """`size` pixels, each taken from where `matrix` says it lies in `image`."""
    # Pillow measures from the corner of a pixel, the matrices here from its middle.
    linear, offset = matrix[:, :2], matrix[:, 2] + 0.5 - matrix[:, :2] @ np.array([0.5, 0.5])
    data = (linear[0, 0], linear[0, 1], offset[0], linear[1, 0], linear[1, 1], offset[1])
    method = Image.Resampling.BILINEAR if image.mode == "L" else Image.Resampling.BICUBIC
    return image.transform(size, Image.Transform.AFFINE, data, resample=method, fillcolor=fill)


def _mask() -> Image.Image:
    """White in the middle, black at the edge of the square and some pixels before it."""
    edge = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]).astype(np.float64)
    rise = np.clip((edge - 8) / FADE, 0, 1)
    smooth = rise * rise * (3 - 2 * rise)
    return Image.fromarray(np.rint(np.outer(smooth, smooth) * 255).astype(np.uint8))
