"""Standing jobs: "generate forever", on the server."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, HTTPException

from modules.api.sdapi.requests import img2img_request, txt2img_request
from modules.api.v1.answers import standing_info
from modules.api.v1.bodies import CancelBody, StandImg2Img, StandingInfo, StandingList, StandTxt2Img
from modules.application.application import Application
from modules.application.jobs.recurring import RecurringLimits, RecurringRecord
from modules.foundation.errors import EaselError
from modules.generation.request import GenerationRequest


class StopBody(CancelBody):
    """How to stop the job that runs."""

    stop: Literal["now", "after_image"] = "after_image"


def routes(app: Application) -> APIRouter:
    """/api/v1/standing."""
    router = APIRouter(prefix="/api/v1/standing", tags=["standing jobs"])

    def found(standing: str) -> RecurringRecord:
        try:
            return app.jobs.standing.find(standing)
        except EaselError as error:
            raise HTTPException(404, str(error)) from error

    def begin(request: GenerationRequest, body: StandTxt2Img | StandImg2Img) -> StandingInfo:
        gigabytes = app.settings.current.jobs_least_free_gb if body.least_free_gb is None else body.least_free_gb
        limits = RecurringLimits(pictures=body.pictures, seconds=body.seconds, free_bytes=int(gigabytes * 1e9))
        return standing_info(app.jobs.stand(request, seeds=body.seeds, limits=limits, priority=body.priority))

    @router.post("/txt2img", status_code=201, summary="Pictures from words, forever")
    async def stand_txt2img(body: StandTxt2Img) -> StandingInfo:
        """Each time its job has ended the next one waits behind the others, until it is stopped or a limit is reached.

        It goes on when the client is gone, and when the program begins again.
        """
        return await asyncio.to_thread(lambda: begin(txt2img_request(app, body), body))

    @router.post("/img2img", status_code=201, summary="Pictures from pictures and words, forever")
    async def stand_img2img(body: StandImg2Img) -> StandingInfo:
        """Each time its job has ended the next one waits behind the others, until it is stopped or a limit is reached.

        It goes on when the client is gone, and when the program begins again.
        """
        return await asyncio.to_thread(lambda: begin(img2img_request(app, body), body))

    @router.get("", summary="Standing jobs, newest first")
    def list_standing() -> StandingList:
        """Running and ended ones. Their jobs are at /api/v1/jobs?standing=ID."""
        return StandingList(standing=[standing_info(record) for record in app.jobs.standing.all()])

    @router.get("/{standing_id}", summary="One standing job")
    def get_standing(standing_id: str) -> StandingInfo:
        """How far it is."""
        return standing_info(found(standing_id))

    @router.post("/{standing_id}/stop", summary="Stop a standing job")
    def stop(standing_id: str, body: StopBody | None = None) -> StandingInfo:
        """It ends; its running job finishes the batch, or stops at once."""
        found(standing_id)
        app.jobs.stop_standing(standing_id, (body or StopBody()).stop)
        return standing_info(found(standing_id))

    @router.post("/{standing_id}/pause", summary="Pause a standing job")
    def pause(standing_id: str) -> StandingInfo:
        """No further job of it is made until it is resumed; the one in the queue is finished."""
        if found(standing_id).state != "running":
            raise HTTPException(409, f"Standing job {standing_id!r} is {found(standing_id).state}.")
        app.jobs.standing.end(standing_id, "paused")
        return standing_info(found(standing_id))

    @router.post("/{standing_id}/resume", summary="Resume a paused standing job")
    def resume(standing_id: str) -> StandingInfo:
        """It goes on."""
        if found(standing_id).state != "paused" or not app.jobs.standing.resume(standing_id):
            raise HTTPException(409, f"Standing job {standing_id!r} is {found(standing_id).state}.")
        return standing_info(found(standing_id))

    return router
