"""A name for the pixels of a picture, by which a file that has lost its parameters is found again."""

from __future__ import annotations

import hashlib

from PIL import Image

BYTES = 16


def pixel_hash(image: Image.Image) -> str:
    """The hash of size and pixels. The same for a picture with and without a fully opaque alpha channel, for grey
    levels and for the same levels in three channels, whatever the file around them says."""
    image.load()
    pixels = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
    if pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() == (255, 255):
        pixels = pixels.convert("RGB")
    digest = hashlib.blake2b(f"{pixels.mode} {pixels.width} {pixels.height} ".encode(), digest_size=BYTES)
    digest.update(pixels.tobytes())
    return digest.hexdigest()
