"""Interrogate: a caption for a picture."""

from __future__ import annotations

from typing import NoReturn

from fastapi import APIRouter, HTTPException

from modules.api.errors import not_here_yet
from modules.api.pictures import Intake, decode_picture
from modules.api.sdapi.bodies import InterrogateRequest
from modules.application.application import Application

MODELS = ("clip", "deepdanbooru", "deepbooru")


def routes(app: Application) -> APIRouter:
    """POST interrogate."""
    router = APIRouter(prefix="/sdapi/v1", tags=["pictures"])

    @router.post("/interrogate", response_model=None, summary="Words for a picture")
    def interrogate(body: InterrogateRequest) -> NoReturn:
        """Not done by this version: 501. A request that could never be done is told so."""
        if not body.image.strip():
            raise HTTPException(404, "Image not found: image must hold a picture in base64.")
        if body.model not in MODELS:
            raise HTTPException(404, f"Model not found: {body.model!r}. Choose one of {', '.join(MODELS)}.")
        decode_picture(body.image, "image", Intake.of(app))
        raise not_here_yet(f"Interrogating pictures with {body.model}", "Describe the picture in your own words.")

    return router
