"""The unfinished picture as clients get it: encoded once for each preview, however many ask for it."""

from __future__ import annotations

import asyncio
import base64
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modules.application.jobs import Job
from modules.imaging.encode import encode

if TYPE_CHECKING:
    from PIL import Image

MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True)
class Encoded:
    """A preview as a file."""

    file: bytes

    @functools.cached_property
    def base64(self) -> str:
        """The file as text."""
        return base64.b64encode(self.file).decode()


Preview = tuple[int, Encoded | None]
"""The number of a preview and the preview itself; there is none yet where it is None."""


class Previews:
    """Keeps the newest preview, once for each file format. Used from the server's event loop only."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[tuple[str, int], asyncio.Task[Encoded]]] = {}

    def encoded(self, job: Job[Any], extension: str) -> Preview | None:
        """What `newest` gives, where that needs no waiting; else None."""
        number, image = job.control.preview
        if image is None:
            return number, None
        known = self._newest.get(extension)
        if known is None or known[0] != (job.id, number) or not known[1].done():
            return None
        return number, known[1].result()

    async def newest(self, job: Job[Any], extension: str) -> Preview:
        """The job's newest preview."""
        number, image = job.control.preview
        if image is None:
            return number, None
        key = (job.id, number)
        known = self._newest.get(extension)
        if known is None or known[0] != key:
            known = self._newest[extension] = key, asyncio.create_task(asyncio.to_thread(_encoded, image, extension))
        # Shielded: a client that goes away must not take the picture from the others that wait for it.
        return number, await asyncio.shield(known[1])


def data_address(preview: Encoded, extension: str) -> str:
    """A preview as a data: address."""
    return f"data:{MIME[extension]};base64,{preview.base64}"


def _encoded(image: Image.Image, extension: str) -> Encoded:
    return Encoded(encode(image, extension))
