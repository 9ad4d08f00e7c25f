"""Noise with the spectrum and the colours of a picture, to paint over where a picture is to go on.

The way of C. Friesen's g-diffuser-bot (github.com/parlance-zz/g-diffuser-bot, MIT): white noise is given the
magnitudes and phases of the known part in Fourier space, and the histogram of each of its colours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""Rows, columns and channels, 0..1."""

SEED = 0
"""The noise is the same for every picture; how pictures differ is decided by their own seeds."""


def matched_noise(picture: Values, mask: Values, *, falloff: float = 1.0, colour_variation: float = 0.05) -> Values:
    """`picture` [H, W, 3], with noise like the rest of it where `mask` [H, W] is 1, both 0..1.

    Magnitudes count by the power `falloff`: the lower, the more detail. `colour_variation` is how far the noise is
    coloured rather than grey. Where the spectrum of the known part is 0 somewhere, as that of even surfaces may be,
    there is no phase to take over: as in A1111 all of the result is then NaN but for what is painted over.
    """
    cover = mask[:, :, None]
    known = picture * (1 - cover)
    known = known / max(known.max(), 1e-12) + picture.mean() * cover
    spectrum = _fourier(known)
    magnitude = np.abs(spectrum)
    with np.errstate(invalid="ignore"):
        phase = spectrum / magnitude
    noise = np.random.default_rng(SEED).random(picture.shape)
    grey = noise.sum(axis=2, keepdims=True) / 3
    noise = noise * colour_variation + (1 - colour_variation) * grey
    noise = np.real(_inverse_fourier(_fourier(noise) * _window(*mask.shape)[:, :, None]))
    shaped = np.abs(_fourier(noise)) ** 2 * magnitude**falloff * phase
    made = np.real(_inverse_fourier(shaped))
    made -= made.min()
    made /= made.max()
    painted, reference = mask > 1e-6, mask < 1e-3
    if painted.any() and reference.any():
        made[painted] = _matched_histograms(made[painted], picture[reference])
    return np.clip(picture * (1 - cover) + made * cover, 0, 1)


def _matched_histograms(values: Values, reference: Values) -> Values:
    """`values` [N, C] so changed that each channel has the distribution of `reference` [M, C]."""
    matched = np.empty_like(values)
    for channel in range(values.shape[1]):
        _found, places, counts = np.unique(values[:, channel], return_inverse=True, return_counts=True)
        levels, reference_counts = np.unique(reference[:, channel], return_counts=True)
        quantiles = np.cumsum(counts) / len(values)
        reference_quantiles = np.cumsum(reference_counts) / len(reference)
        matched[:, channel] = np.interp(quantiles, reference_quantiles, levels)[places]
    return matched


def _fourier(values: Any) -> Any:
    axes = (0, 1)
    return np.fft.ifftshift(np.fft.fft2(np.fft.fftshift(values, axes=axes), axes=axes, norm="ortho"), axes=axes)


def _inverse_fourier(values: Any) -> Any:
    axes = (0, 1)
    return np.fft.ifftshift(np.fft.ifft2(np.fft.fftshift(values, axes=axes), axes=axes, norm="ortho"), axes=axes)


def _window(height: int, width: int) -> Values:
    """Less and less of higher frequencies."""
    shorter = min(height, width)
    y = (np.arange(height) / height * 2 - 1) * (height / shorter)
    x = (np.arange(width) / width * 2 - 1) * (width / shorter)
    return 1 / ((y[:, None] ** 2 + 1) * (x[None, :] ** 2 + 1))
