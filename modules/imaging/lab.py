"""CIE L*a*b* in 8 bits a channel: L scaled to 255, a and b offset by 128.

In whole numbers, with the steps and roundings that OpenCV has for 8-bit pictures: what ranks levels of Lab depends on
them. Worked out in floating point, one level in twelve comes out beside.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Levels = NDArray[np.uint8]
    Whole = NDArray[np.int64]

TO_XYZ = np.array([(0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227)])
"""sRGB with its white point D65 to CIE XYZ."""

WHITE = np.array([0.950456, 1.0, 1.088754])
DARK, SLOPE, OFFSET = 0.008856, 7.787, 16 / 116
"""Below `DARK` the cube root of CIE Lab is a line of this slope and offset."""

GAMMA_BITS, MATRIX_BITS, ROOT_BITS, BASE_BITS = 3, 12, 15, 14
"""Bits behind the point: of linear levels, of matrices, of cube roots, and on the way back."""


def to_lab(rgb: Levels) -> Levels:
    """Levels of sRGB [..., 3] -> levels of Lab [..., 3]."""
    gamma, matrix, roots = _forward()
    x, y, z = np.moveaxis(roots[_shifted(gamma[rgb] @ matrix, MATRIX_BITS)], -1, 0)
    light = (116 * 255 + 50) // 100 * y - (16 * 255 * 2**ROOT_BITS + 50) // 100
    middle = 128 * 2**ROOT_BITS
    lab = np.stack([light, 500 * (x - y) + middle, 200 * (y - z) + middle], axis=-1)
    return _shifted(lab, ROOT_BITS).clip(0, 255).astype(np.uint8)


def from_lab(lab: Levels) -> Levels:
    """Levels of Lab [..., 3] -> levels of sRGB [..., 3]; colours outside are clipped."""
    light, root, matrix, gamma = _backward()
    first, a, b = np.moveaxis(lab.astype(np.int64), -1, 0)
    base = 2**BASE_BITS
    # a / 500 and b / 200 by multiplication with 2**16 / 305 and 2**9 / 41943.
    towards_x = ((5 * a * 53687 + 128) >> 13) - 128 * base // 500
    towards_z = ((b * 41943 + 16) >> 9) - 128 * base // 200 + 1
    xyz = np.stack([_cubed(root[first] + towards_x), light[first], _cubed(root[first] - towards_z)], axis=-1)
    return gamma[_shifted(xyz @ matrix, BASE_BITS).clip(0, 2**MATRIX_BITS - 1)]


@functools.cache
def _forward() -> tuple[Whole, Whole, Whole]:
    part = np.arange(256) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    level = np.arange(255 * 2**GAMMA_BITS * 3 // 2) / (255 * 2**GAMMA_BITS)
    root = np.where(level < DARK, level * SLOPE + OFFSET, np.cbrt(level))
    matrix = (TO_XYZ / WHITE[:, None]).T
    return (
        _whole(linear * 255 * 2**GAMMA_BITS),
        _whole(matrix * 2**MATRIX_BITS),
        _whole(root * 2**ROOT_BITS),
    )


@functools.cache
def _backward() -> tuple[Whole, Whole, Whole, Levels]:
    light = np.arange(256) * 100 / 255
    dark = light <= 903.3 * DARK
    y = np.where(dark, light / 903.3, ((light + 16) / 116) ** 3)
    root = np.where(dark, SLOPE * y + OFFSET, (light + 16) / 116)
    linear = np.arange(2**MATRIX_BITS) / 2**MATRIX_BITS
    part = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    matrix = (np.linalg.inv(TO_XYZ) * WHITE).T
    base = 2**BASE_BITS
    return (
        _whole(y * base),
        _whole(root * base),
        _whole(matrix * 2**MATRIX_BITS),
        np.rint(255 * part).clip(0, 255).astype(np.uint8),
    )


def _cubed(root: Whole) -> Whole:
    """The inverse of Lab's cube root, both in `BASE_BITS`."""
    base = 2**BASE_BITS
    line = root * 108 // 841 - base * 16 // 116 * 108 // 841
    return np.where(root <= (DARK * SLOPE + OFFSET) * base, line, root * root // base * root // base)


def _whole(values: Any) -> Whole:
    return np.rint(values).astype(np.int64)


def _shifted(value: Whole, bits: int) -> Whole:
    """value / 2**bits, rounded to the nearest whole number."""
    return (value + 2 ** (bits - 1)) >> bits
