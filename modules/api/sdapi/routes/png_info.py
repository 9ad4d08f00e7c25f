"""What pictures say about themselves."""

from __future__ import annotations

from fastapi import APIRouter

from modules.api.pictures import Intake, decode_picture
from modules.api.sdapi.bodies import PNGInfoRequest
from modules.api.sdapi.responses import PNGInfoResponse
from modules.application.application import Application
from modules.application.infotexts import parameters_of
from modules.infotext.picture_metadata import read_picture_metadata


def routes(app: Application) -> APIRouter:
    """POST png-info."""
    router = APIRouter(prefix="/sdapi/v1", tags=["pictures"])

    @router.post("/png-info", summary="Parameters of a picture")
    def png_info(body: PNGInfoRequest) -> PNGInfoResponse:
        """The parameters text in a PNG, JPEG, WebP or AVIF file, as it is and taken apart."""
        carried = read_picture_metadata(decode_picture(body.image, "image", Intake.of(app)))
        text = carried.infotext or ""
        return PNGInfoResponse(info=text, items=carried.others, parameters=parameters_of(text, app))

    return router
