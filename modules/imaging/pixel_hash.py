"""A name for the pixels of a picture, by which a file that has lost its parameters is found again."""

from __future__ import annotations

import hashlib

from PIL import Image

BYTES = 16
ROWS = 512
"""Rows that are unpacked at a time: a picture may be larger than what is left of the memory."""


def pixel_hash(image: Image.Image) -> str:
    """The hash of size and pixels. The same for a picture with and without a fully opaque alpha channel, for grey
    levels and for the same levels in three channels, whatever the file around them says."""
    image.load()
    width, height = image.size
    mode = "RGBA" if image.has_transparency_data and not _opaque(image) else "RGB"
    digest = hashlib.blake2b(f"{mode} {width} {height} ".encode(), digest_size=BYTES)
    for top in range(0, height, ROWS):
        digest.update(image.crop((0, top, width, min(top + ROWS, height))).convert(mode).tobytes())
    return digest.hexdigest()


def _opaque(image: Image.Image) -> bool:
    alpha = image.getchannel("A") if "A" in image.getbands() else image.convert("RGBA").getchannel("A")
    return alpha.getextrema() == (255, 255)
