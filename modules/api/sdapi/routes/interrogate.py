"""Interrogate: a caption for a picture."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from modules.api.pictures import Intake, decode_picture
from modules.api.sdapi.bodies import InterrogateRequest
from modules.application.application import Application
from modules.application.jobs.awaiting import result_of
from modules.application.jobs.interrogate import submit_interrogation


def routes(app: Application) -> APIRouter:
    """POST interrogate."""
    router = APIRouter(prefix="/sdapi/v1", tags=["pictures"])

    @router.post("/interrogate", response_model=None, summary="Words for a picture")
    async def interrogate(body: InterrogateRequest) -> JSONResponse:
        """Describe a picture: a caption with ranked words (clip), the caption alone (blip), or tags (deepdanbooru,
        wd14-...). Models are read from local files; one that is missing is named, with where it is published.
        """
        if not body.image.strip():
            raise HTTPException(404, "Image not found: image must hold a picture in base64.")
        app.captioners.find(body.model, "model")
        image = await asyncio.to_thread(decode_picture, body.image, "image", Intake.of(app))
        caption = await result_of(await asyncio.to_thread(submit_interrogation, app, image, body.model))
        return JSONResponse({"caption": caption})

    return router
