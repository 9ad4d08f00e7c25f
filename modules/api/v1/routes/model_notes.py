"""What a user keeps beside a model file: notes and a picture, written by way of the page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from modules.api.body import FiniteNumber, LongText, ShortText
from modules.application.application import Application
from modules.application.model_list import Listed, ModelKind
from modules.foundation.errors import RequestError
from modules.foundation.plain import JsonObject
from modules.library.sidecars import USER_KEYS
from modules.library.writing_sidecars import write_notes, write_preview

LARGEST_PREVIEW = 32 * 2**20
"""Bytes of a picture that is put beside a model file."""


class Notes(BaseModel):
    """Notes on a model file. What is not given stays; an empty text takes the note away."""

    model_config = ConfigDict(populate_by_name=True)

    description: LongText | None = None
    sd_version: ShortText | None = Field(None, alias="sd version")
    activation_text: LongText | None = Field(None, alias="activation text")
    preferred_weight: FiniteNumber | None = Field(None, alias="preferred weight", ge=-10, le=10)
    negative_text: LongText | None = Field(None, alias="negative text")
    notes: LongText | None = None
    vae: ShortText | None = None


def routes(app: Application) -> APIRouter:
    """PUT the notes and the picture of a model file, below /api/v1."""
    router = APIRouter(prefix="/api/v1", tags=["model files"])

    def item_of(kind: ModelKind, name: str) -> Listed:
        item = app.models.find(kind, name)
        if item is None:
            raise HTTPException(404, f"There is no {kind} {name!r}; GET /api/v1/models lists them.")
        return item

    @router.put("/models/{kind}/{name:path}/notes", summary="Write notes on a model file")
    def notes(kind: ModelKind, name: str, body: Annotated[Notes, Body()]) -> JsonObject:
        """Change the name.json beside the file; keys of others in it stay. Gives the notes as they are now."""
        app.policy.check_files("Writing notes beside model files")
        item = item_of(kind, name)
        sent = body.model_dump(by_alias=True, exclude_unset=True)
        write_notes(item.path, {key: sent[key] for key in USER_KEYS if key in sent})
        return dict(item_of(kind, name).user_metadata)

    @router.put("/models/{kind}/{name:path}/preview", summary="Give a model file a picture")
    async def preview(kind: ModelKind, name: str, request: Request) -> JsonObject:
        """The body is a whole PNG, JPEG or WebP file; it is kept as it is, in the place of the picture until now."""
        app.policy.check_files("Writing pictures beside model files")
        data = await request.body()
        if len(data) > LARGEST_PREVIEW:
            raise RequestError(f"The picture is larger than {LARGEST_PREVIEW // 2**20} MiB.", "body")
        item = await run_in_threadpool(item_of, kind, name)
        written = await run_in_threadpool(write_preview, item.path, data, app.models.names_beside(item))
        return {"path": str(written)}

    return router
