"""Text hidden in the lowest bits of a picture's pixels, as the extension stealth-pnginfo and NovelAI write it.

Pixels are taken column by column; of each one bit of the alpha channel, or one each of red, green and blue. The bits
are a signature of 15 letters, the length of what follows in bits (32 bits, most significant first), and the text in
UTF-8, packed by gzip where the signature says so. It survives where services strip texts from files; nothing lossy.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from PIL import Image

HiddenForm = Literal["alpha", "alpha compressed", "rgb", "rgb compressed"]

SIGNATURES: dict[HiddenForm, bytes] = {
    "alpha": b"stealth_pnginfo",
    "alpha compressed": b"stealth_pngcomp",
    "rgb": b"stealth_rgbinfo",
    "rgb compressed": b"stealth_rgbcomp",
}
SIGNATURE_BITS = 15 * 8
HEAD_BITS = SIGNATURE_BITS + 32
MAX_TEXT = 1_000_000
"""Bytes of a text that is unpacked."""


def hide_text(image: Image.Image, text: str, form: HiddenForm) -> Image.Image:
    """A copy of the picture with `text` in it, RGBA or RGB. Raises ValueError where the picture is too small for it."""
    import numpy as np
    from PIL import Image

    data = text.encode("utf-8", "replace")
    if form.endswith("compressed"):
        data = gzip.compress(data, mtime=0)
    content = SIGNATURES[form] + (len(data) * 8).to_bytes(4, "big") + data
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8))
    pixels = np.array(image.convert("RGBA" if form.startswith("alpha") else "RGB"))
    planes = pixels[:, :, 3:] if form.startswith("alpha") else pixels
    flat = np.ascontiguousarray(planes.transpose(1, 0, 2)).reshape(-1)
    if len(bits) > len(flat):
        raise ValueError(f"a picture of {image.width}x{image.height} hides {len(flat) // 8} bytes, not {len(content)}")
    flat[: len(bits)] = flat[: len(bits)] & 0xFE | bits
    planes[:] = flat.reshape(image.width, image.height, -1).transpose(1, 0, 2)
    return Image.fromarray(pixels)


def hidden_text(image: Image.Image) -> str | None:
    """The text that is hidden in a picture's pixels; None where there is none, or nothing that can be read."""
    import numpy as np

    if image.mode not in ("RGB", "RGBA"):
        return None
    pixels: Any = np.asarray(image)
    for form, signature in SIGNATURES.items():
        if form.startswith("alpha") and pixels.shape[2] < 4:
            continue
        planes = pixels[:, :, 3:4] if form.startswith("alpha") else pixels[:, :, :3]
        head = _bits(planes, 0, HEAD_BITS)
        if head[:15] != signature:
            continue
        data = _bits(planes, HEAD_BITS, int.from_bytes(head[15:19], "big"))
        return _text(data, compressed=form.endswith("compressed"))
    return None


def without_hidden_bits(image: Image.Image) -> Image.Image:
    """A copy of an RGB or RGBA picture whose lowest bits say nothing: 0 in the colours, 1 in alpha."""
    import numpy as np
    from PIL import Image

    pixels = np.array(image)
    pixels[:, :, :3] &= 0xFE
    if pixels.shape[2] == 4:
        pixels[:, :, 3] |= 1
    return Image.fromarray(pixels)


def _bits(planes: Any, start: int, count: int) -> bytes:
    """Bytes out of the lowest bits, `count` of them from bit `start` on: only the columns that hold them are read."""
    import numpy as np

    height, width, depth = planes.shape
    first, last = start // (height * depth), -(-(start + count) // (height * depth))
    if last > width:
        return b""
    columns = planes[:, first:last].transpose(1, 0, 2).reshape(-1) & 1
    begin = start - first * height * depth
    return np.packbits(columns[begin : begin + count]).tobytes()


def _text(data: bytes, *, compressed: bool) -> str | None:
    try:
        if compressed:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(MAX_TEXT + 1)
        return data.decode("utf-8") if 0 < len(data) <= MAX_TEXT else None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None
