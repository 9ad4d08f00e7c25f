"""Large AVIF pictures, unpacked in a process of their own.

Pillow unpacks AVIF in one call that holds the interpreter: five seconds for a hundred megapixels of noise, in which
nobody else is answered. Other formats let others go on.
"""

from __future__ import annotations

import io
import os
from typing import Any

from modules.foundation.child_python import child_python

SMALL = 2_000_000
"""Pixels that are unpacked here: a tenth of a second at most."""

_CHILD = """
import sys
from PIL import _avif
decoder = _avif.AvifDecoder(sys.stdin.buffer.read(), sys.argv[1], int(sys.argv[2]))
pixels, *times = decoder.get_frame(int(sys.argv[3]))
sys.stdout.buffer.write(" ".join(map(str, times)).encode() + b"\\n" + pixels)
"""


def unpack_elsewhere() -> None:
    """Have Pillow do so from now on, whoever opens a picture."""
    from PIL import AvifImagePlugin, Image

    factory, accept = Image.OPEN.get("AVIF", (None, None))
    if factory is None or getattr(factory, "__module__", "") == __name__ or not AvifImagePlugin.SUPPORTED:
        return

    class LargeAvifFile(AvifImagePlugin.AvifImageFile):
        """An AVIF file whose pixels, where they are many, come from another process."""

        def _open(self) -> None:
            file = self.fp
            assert file is not None
            data = file.read()
            self.fp = io.BytesIO(data)
            try:
                super()._open()
            finally:
                self.fp = file
            if self.width * self.height > SMALL:
                self._decoder: Any = _Elsewhere(data, self._decoder)

    Image.register_open("AVIF", LargeAvifFile, accept)


class _Elsewhere:
    """Pillow's decoder of one file, whose pixels come from another process."""

    def __init__(self, data: bytes, decoder: Any) -> None:
        self._data, self._decoder = data, decoder

    def get_info(self) -> Any:
        """Size, mode and what else is known without unpacking."""
        return self._decoder.get_info()

    def get_frame(self, frame: int) -> tuple[bytes, int, int, int]:
        """The pixels and three times. Raises OSError where they cannot be unpacked."""
        from PIL import AvifImagePlugin

        (width, height), _, mode, *_ = self.get_info()
        size = width * height * len(mode)
        choice, threads = AvifImagePlugin.DECODE_CODEC_CHOICE, str(os.cpu_count() or 1)
        with child_python(_CHILD, choice, threads, str(frame), input=self._data) as answer:
            times, pixels = answer.readline().split(), answer.read(size)
        if len(times) != 3 or len(pixels) != size:
            raise OSError("it is damaged, or takes too long to unpack")
        timescale, shown, lasts = map(int, times)
        return pixels, timescale, shown, lasts
