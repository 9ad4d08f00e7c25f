"""What A1111's cards of checkpoints, embeddings and networks ask for: pictures, metadata, a card."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse

from modules.api.sdapi.cards import card_html
from modules.application.application import Application
from modules.application.cards import tag_text
from modules.application.model_list import Listed
from modules.foundation.picture_file import UNREADABLE, open_picture
from modules.library.sidecars import PREVIEW_TYPES
from modules.networks.metadata import COVERS, cover_list, unpacked

PAGES: Mapping[str, str] = {
    "lora": "lora",
    "textual inversion": "embedding",
    "hypernetworks": "hypernetwork",
    "checkpoints": "checkpoint",
}
"""A1111's names of the pages of cards, and the kind of file on each."""

NOT_FOUND = "File not found"
IMAGE_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}


def routes(app: Application) -> APIRouter:
    """GET thumb, cover-images, metadata and get-single-card below /sd_extra_networks."""
    router = APIRouter(prefix="/sd_extra_networks", tags=["model files"])

    @router.get("/thumb", response_class=FileResponse, summary="The picture beside a model file")
    def thumb(filename: str = "") -> Response:
        """A picture that lies beside a model file and belongs to it; no other file is served."""
        path = app.models.preview_file(filename) if filename and "\0" not in filename else None
        if path is None:
            raise HTTPException(404, NOT_FOUND)
        return FileResponse(path, media_type=PREVIEW_TYPES[path.suffix.lower()], headers=IMAGE_HEADERS)

    @router.get("/cover-images", response_class=Response, summary="A picture in a model file")
    def cover_images(page: str = "", item: str = "", index: int = 0) -> Response:
        """A picture that the file's header carries."""
        kind = _kind(page)
        metadata = app.models.metadata(kind, item) if kind else None
        return _cover(cover_list(metadata or {}), index)

    @router.get("/metadata", summary="What a trainer wrote into a file")
    def metadata(page: str = "", item: str = "") -> dict[str, str]:
        """The free text of the file's header as JSON text, without its pictures; nothing for an unknown file."""
        kind = _kind(page)
        found = app.models.metadata(kind, item) if kind else None
        if found is None:
            return {}
        shown = {key: unpacked(text) for key, text in found.items() if key != COVERS}
        return {"metadata": json.dumps(shown, indent=4, ensure_ascii=False)}

    @router.get("/get-single-card", summary="One card")
    def get_single_card(page: str = "", tabname: str = "", name: str = "") -> dict[str, str]:
        """The card of one file as HTML, with its notes as they are on the disk now."""
        kind = _kind(page)
        item = app.models.find(kind, name) if kind else None
        if item is None:
            pages = ", ".join(PAGES)
            raise HTTPException(404, f"There is no {name!r} on the page {page!r}. Pages: {pages}.")
        return {"html": card_html(item, tabname, _prompt(app, item), app.settings.current)}

    return router


def _kind(page: str) -> str | None:
    return PAGES.get(page.strip().casefold().replace("_", " "))


def _prompt(app: Application, item: Listed) -> str:
    """What a click on the card adds to the prompt; empty for a checkpoint, which is chosen instead."""
    notes, settings = item.user_metadata, app.settings.current
    match item.kind:
        case "lora":
            info = app.networks.find("lora", item.name)
            name = app.networks.preferred_name(info, settings.lora_preferred_name) if info else item.name
        case "hypernetwork":
            info = app.networks.find("hypernet", item.name)
            name = app.networks.preferred_name(info, "Filename") if info else item.name
        case "embedding":
            return item.name
        case _:
            return ""
    tag = "hypernet" if item.kind == "hypernetwork" else item.kind
    return tag_text(tag, name, notes, settings.extra_networks_default_multiplier)


def _cover(covers: Sequence[Any], index: int) -> Response:
    from PIL import Image

    try:
        if index < 0:
            raise LookupError
        data = base64.b64decode(covers[index], validate=True)
        with open_picture(data) as picture:
            media = Image.MIME.get(picture.format or "")
        if media is None or not media.startswith("image/"):
            raise LookupError
    except UNREADABLE as error:
        raise HTTPException(404, NOT_FOUND) from error
    return Response(data, media_type=media, headers=IMAGE_HEADERS)
