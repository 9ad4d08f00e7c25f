"""The unfinished picture as clients get it: encoded once for each preview, however many ask for it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from modules.application.jobs import Job
from modules.imaging.encode import encode

_MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Previews:
    """Keeps the newest preview in base64, one for each file format. Used from the server's event loop only."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[tuple[str, int], asyncio.Task[str]]] = {}

    async def newest(self, job: Job[Any], extension: str) -> tuple[int, str | None]:
        """The number of the job's newest preview and the preview itself in base64; 0 and None if there is none yet."""
        number, image = job.control.preview
        if image is None:
            return number, None
        key = (job.id, number)
        known = self._newest.get(extension)
        if known is None or known[0] != key:
            known = self._newest[extension] = key, asyncio.create_task(asyncio.to_thread(_encoded, image, extension))
        # Shielded: a client that goes away must not take the picture from the others that wait for it.
        return number, await asyncio.shield(known[1])


def data_address(text: str, extension: str) -> str:
    """Base64 text as a data: address."""
    return f"data:{_MIME[extension]};base64,{text}"


def _encoded(image: object, extension: str) -> str:
    from PIL import Image

    assert isinstance(image, Image.Image)
    return base64.b64encode(encode(image, extension)).decode()
