"""Finished pictures: searched by what made them, and sent by id."""

from __future__ import annotations

import asyncio
import io
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Response
from fastapi.responses import FileResponse

from modules.api.pictures import picture_text
from modules.api.v1.answers import history_item
from modules.api.v1.bodies import HistoryItem, HistoryPage, HistoryPageQuery
from modules.api.v1.routes.history_collections import add_collections, search_of
from modules.api.v1.routes.history_tally import add_tally
from modules.application.application import Application
from modules.application.history import HistoryImage
from modules.foundation.errors import reason_of
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.imaging.encode import encode
from modules.imaging.strip import without_metadata

IMMUTABLE = "private, max-age=31536000, immutable"
THUMBNAIL_BYTES = 32 * 1024 * 1024
_MIME = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "avif": "avif", "gif": "gif", "jxl": "jxl"}


def routes(app: Application) -> APIRouter:
    """/api/v1/history and /api/v1/images."""
    router = APIRouter(prefix="/api/v1", tags=["history"])

    @router.get("/history", summary="Search the finished pictures")
    def search(query: Annotated[HistoryPageQuery, Query()]) -> HistoryPage:
        """Pictures that fit everything that is given, newest first."""
        wanted = search_of(query)
        images = app.jobs.recorder.history.search(wanted, before=query.before, limit=query.limit)
        return HistoryPage(
            images=[history_item(image) for image in images],
            total=app.jobs.recorder.history.count(wanted),
            next=images[-1].number if len(images) == query.limit else None,
        )

    add_collections(router, app)
    add_tally(router, app)

    @router.get("/history/{image_id}", summary="The parameters of one picture")
    def parameters(image_id: str) -> HistoryItem:
        """How the picture was made."""
        return history_item(_found(app, image_id))

    @router.delete("/history/{image_id}", status_code=204, summary="Take a picture out of the history")
    def forget(image_id: str) -> None:
        """Its file stays where it is."""
        if not app.jobs.recorder.history.forget(image_id):
            raise HTTPException(404, f"There is no picture {image_id!r} in the history.")

    _add_images(router, app)
    return router


def _found(app: Application, image_id: str) -> HistoryImage:
    image = app.jobs.recorder.history.find(image_id)
    if image is None:
        raise HTTPException(404, f"There is no picture {image_id!r} in the history.")
    return image


def _add_images(router: APIRouter, app: Application) -> None:
    thumbnails = Thumbnails()

    @router.get("/images/{image_id}", response_class=Response, summary="A finished picture")
    async def picture(
        image_id: str,
        size: Annotated[int | None, Query(ge=16, le=2048, description="A WebP whose longer side is this.")] = None,
        metadata: Annotated[bool, Query(description="False: without parameters and other texts.")] = True,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The file as it was saved, parameters and all; it never changes, so it may be kept forever. 410 when it is
        gone."""
        image = await asyncio.to_thread(_found, app, image_id)
        tag = f'"{image.id}-{size}"' if size else f'"{image.id}"' if metadata else f'"{image.id}-bare"'
        headers = {"ETag": tag, "Cache-Control": IMMUTABLE, "X-Content-Type-Options": "nosniff"}
        if if_none_match and tag in (each.strip().removeprefix("W/") for each in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        if size is not None:
            data = await asyncio.to_thread(thumbnails.get, app, image, size)
            return Response(data, media_type="image/webp", headers=headers)
        if not metadata:
            data, suffix = await asyncio.to_thread(_bare, app, image)
            return Response(data, media_type=f"image/{_MIME.get(suffix.lstrip('.'), 'png')}", headers=headers)
        extension = image.path.suffix.lower().lstrip(".") if image.path else "png"
        media_type = f"image/{_MIME[extension]}" if extension in _MIME else "application/octet-stream"
        if image.path is not None and image.path.is_file():
            return FileResponse(image.path, media_type=media_type, headers=headers)
        return Response(await asyncio.to_thread(_content, app, image), media_type="image/png", headers=headers)


def _bare(app: Application, image: HistoryImage) -> tuple[bytes, str]:
    """The file without metadata, and its suffix."""
    in_file = image.path is not None and image.path.is_file()
    data = image.path.read_bytes() if image.path is not None and in_file else _content(app, image)
    suffix = image.path.suffix.lower() if image.path is not None and in_file else ".png"
    return without_metadata(data, suffix)


class Thumbnails:
    """The last small pictures that were asked for, in memory. Thread-safe."""

    def __init__(self, most_bytes: int = THUMBNAIL_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def get(self, app: Application, image: HistoryImage, size: int) -> bytes:
        """A WebP of `image` whose longer side is at most `size`. Raises HTTPException when the picture is gone."""
        key = (image.id, size)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        in_file = image.path is not None and image.path.is_file()
        data = _small(image.path if image.path and in_file else io.BytesIO(_content(app, image)), size)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = data
                self._bytes += len(data)
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return data


def _small(source: Path | io.BytesIO, size: int) -> bytes:
    from PIL import Image

    try:
        with open_picture(source) as image:
            image.draft("RGB", (size, size))  # a JPEG is read at a fraction of its size
            small = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    except UNREADABLE as error:
        raise HTTPException(410, f"The picture's file cannot be read any more: {reason_of(error)}.") from error
    small.thumbnail((size, size), Image.Resampling.LANCZOS)
    return encode(small, "webp", quality=80)


def _content(app: Application, image: HistoryImage) -> bytes:
    """The bytes of a picture that is in no file, as long as it is in memory. Raises HTTPException."""
    finished = app.jobs.picture_in_memory(image.job, image.id)
    if finished is None:
        where = f"The file {image.path} is no longer there" if image.path else "It was not saved, and left the memory"
        raise HTTPException(410, f"Picture {image.id!r} is gone. {where}.")
    return encode(finished.image, "png", text=picture_text(finished.infotext))
