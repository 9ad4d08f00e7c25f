"""A name for the pixels of a picture, by which a file that has lost its parameters is found again."""

from __future__ import annotations

import hashlib

from PIL import Image

from modules.imaging.pixelwise import bands, is_opaque

BYTES = 16


def pixel_hash(image: Image.Image) -> str:
    """The hash of size and pixels. The same for a picture with and without a fully opaque alpha channel, for grey
    levels and for the same levels in three channels, whatever the file around them says."""
    image.load()
    width, height = image.size
    mode = "RGBA" if image.has_transparency_data and not is_opaque(image) else "RGB"
    digest = hashlib.blake2b(f"{mode} {width} {height} ".encode(), digest_size=BYTES)
    for band in bands(image):
        digest.update(band.convert(mode).tobytes())
    return digest.hexdigest()
