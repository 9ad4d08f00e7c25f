"""The unfinished picture as clients get it: encoded once for each preview, however many ask for it."""

from __future__ import annotations

import asyncio
import base64
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modules.application.jobs.job import AnyJob
from modules.imaging.encode import encode

if TYPE_CHECKING:
    from PIL import Image

MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True)
class EncodedPreview:
    """A preview as a file."""

    file: bytes

    @functools.cached_property
    def base64(self) -> str:
        """The preview's file in base64."""
        return base64.b64encode(self.file).decode()


Preview = tuple[int, EncodedPreview | None]
"""The number of a preview and the preview itself; there is none yet where it is None."""


class Previews:
    """Keeps the newest preview, once for each file format. Used from the server's event loop only."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[tuple[str, int], asyncio.Task[EncodedPreview]]] = {}

    def encoded(self, job: AnyJob, extension: str) -> Preview | None:
        """What `newest` gives, where that needs no waiting; else None."""
        number, image = job.control.preview
        if image is None:
            return number, None
        task = self._task((job.id, number), extension)
        # One that failed is left to who waits for it, and can say so.
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return number, task.result()

    async def newest(self, job: AnyJob, extension: str) -> Preview:
        """The job's newest preview."""
        number, image = job.control.preview
        if image is None:
            return number, None
        key = (job.id, number)
        if (task := self._task(key, extension)) is None:
            task = asyncio.create_task(asyncio.to_thread(_encoded, image, extension))
            self._newest[extension] = key, task
        # Shielded: a client that goes away must not take the picture from the others that wait for it.
        return number, await asyncio.shield(task)

    def _task(self, key: tuple[str, int], extension: str) -> asyncio.Task[EncodedPreview] | None:
        """What encodes this preview, or has encoded it; None if it is not the newest one that was asked for."""
        known = self._newest.get(extension)
        return known[1] if known is not None and known[0] == key else None


def data_address(preview: EncodedPreview, extension: str) -> str:
    """A preview as a data: address."""
    return f"data:{MIME[extension]};base64,{preview.base64}"


def _encoded(image: Image.Image, extension: str) -> EncodedPreview:
    return EncodedPreview(encode(image, extension))
