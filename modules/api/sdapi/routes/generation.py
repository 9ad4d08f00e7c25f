"""Making pictures: txt2img and img2img."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from modules.api.generation.bodies import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.api.generation.requests import img2img_request, txt2img_request, unused_settings
from modules.api.generation.scripts import remarks_on_scripts
from modules.api.sdapi.generation_answer import generation_answer
from modules.api.sdapi.responses import ImageToImageResponse, TextToImageResponse
from modules.application.application import Application
from modules.application.jobs.awaiting import result_of
from modules.generation.request import GenerationRequest


def routes(app: Application) -> APIRouter:
    """POST txt2img and img2img."""
    router = APIRouter(prefix="/sdapi/v1", tags=["generation"])

    @router.post("/txt2img", response_model=TextToImageResponse, summary="Pictures from words")
    async def txt2img(body: StableDiffusionProcessingTxt2Img) -> Response:
        """Queue the request and answer when its pictures are done."""
        return await _answer(app, body, await asyncio.to_thread(txt2img_request, app, body))

    @router.post("/img2img", response_model=ImageToImageResponse, summary="Pictures from pictures and words")
    async def img2img(body: StableDiffusionProcessingImg2Img) -> Response:
        """Queue the request and answer when its pictures are done."""
        return await _answer(app, body, await asyncio.to_thread(img2img_request, app, body))

    return router


async def _answer(
    app: Application,
    body: StableDiffusionProcessingTxt2Img | StableDiffusionProcessingImg2Img,
    request: GenerationRequest,
) -> Response:
    settings = app.settings.current.changed(request.override_settings)
    if request.override_settings and not body.override_settings_restore_afterwards:
        app.settings.change(request.override_settings, save=False)
    result = await result_of(await asyncio.to_thread(app.submit, request, body.force_task_id))
    # The answer is JSON already: megabytes of base64 are not worth a second look by the response model.
    remarks = [*unused_settings(app, request.override_settings), *remarks_on_scripts(body.alwayson_scripts)]
    answer = await asyncio.to_thread(generation_answer, body, result, settings, remarks)
    return answer.response()
