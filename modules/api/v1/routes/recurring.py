"""Recurring jobs: "generate forever", on the server."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, HTTPException

from modules.api.generation.requests import img2img_request, txt2img_request
from modules.api.v1.answers import recurring_job_info
from modules.api.v1.bodies import CancelBody, RecurringImg2Img, RecurringJobInfo, RecurringJobList, RecurringTxt2Img
from modules.application.application import Application
from modules.application.jobs.recurring import RecurringLimits, RecurringRecord
from modules.foundation.errors import EaselError
from modules.generation.request import GenerationRequest


class StopBody(CancelBody):
    """How to stop the job that runs."""

    stop: Literal["now", "after_image"] = "after_image"


def routes(app: Application) -> APIRouter:
    """/api/v1/standing."""
    router = APIRouter(prefix="/api/v1/standing", tags=["recurring jobs"])

    @router.post("/txt2img", status_code=201, summary="Pictures from words, forever")
    async def start_txt2img(body: RecurringTxt2Img) -> RecurringJobInfo:
        """Each time its job has ended the next one waits behind the others, until it is stopped or a limit is reached.

        It goes on when the client is gone, and when the program begins again.
        """
        return await asyncio.to_thread(lambda: _begun(app, txt2img_request(app, body), body))

    @router.post("/img2img", status_code=201, summary="Pictures from pictures and words, forever")
    async def start_img2img(body: RecurringImg2Img) -> RecurringJobInfo:
        """Each time its job has ended the next one waits behind the others, until it is stopped or a limit is reached.

        It goes on when the client is gone, and when the program begins again.
        """
        return await asyncio.to_thread(lambda: _begun(app, img2img_request(app, body), body))

    @router.get("", summary="Recurring jobs, newest first")
    def list_recurring() -> RecurringJobList:
        """Running and ended ones. Their jobs are at /api/v1/jobs?standing=ID."""
        return RecurringJobList(standing=[recurring_job_info(record) for record in app.jobs.recurring.all()])

    _add_changing(router, app)
    return router


def _add_changing(router: APIRouter, app: Application) -> None:
    @router.get("/{recurring_id}", summary="One recurring job")
    def get_recurring(recurring_id: str) -> RecurringJobInfo:
        """The recurring job with its state and the pictures made so far."""
        return recurring_job_info(_found(app, recurring_id))

    @router.post("/{recurring_id}/stop", summary="Stop a recurring job")
    def stop(recurring_id: str, body: StopBody | None = None) -> RecurringJobInfo:
        """It ends; its running job finishes the batch, or stops at once."""
        _found(app, recurring_id)
        app.jobs.stop_recurring(recurring_id, (body or StopBody()).stop)
        return recurring_job_info(_found(app, recurring_id))

    @router.post("/{recurring_id}/pause", summary="Pause a recurring job")
    def pause(recurring_id: str) -> RecurringJobInfo:
        """No further job of it is made until it is resumed; the one in the queue is finished."""
        if _found(app, recurring_id).state != "running":
            raise HTTPException(409, f"Recurring job {recurring_id!r} is {_found(app, recurring_id).state}.")
        app.jobs.recurring.end(recurring_id, "paused")
        return recurring_job_info(_found(app, recurring_id))

    @router.post("/{recurring_id}/resume", summary="Resume a paused recurring job")
    def resume(recurring_id: str) -> RecurringJobInfo:
        """Jobs are made again from where it was paused."""
        if _found(app, recurring_id).state != "paused" or not app.jobs.recurring.resume(recurring_id):
            raise HTTPException(409, f"Recurring job {recurring_id!r} is {_found(app, recurring_id).state}.")
        return recurring_job_info(_found(app, recurring_id))


def _found(app: Application, recurring_id: str) -> RecurringRecord:
    try:
        return app.jobs.recurring.find(recurring_id)
    except EaselError as error:
        raise HTTPException(404, str(error)) from error


def _begun(app: Application, request: GenerationRequest, body: RecurringTxt2Img | RecurringImg2Img) -> RecurringJobInfo:
    gigabytes = app.settings.current.jobs_least_free_gb if body.least_free_gb is None else body.least_free_gb
    limits = RecurringLimits(pictures=body.pictures, seconds=body.seconds, free_bytes=int(gigabytes * 1e9))
    return recurring_job_info(
        app.jobs.start_recurring(request, seeds=body.seeds, limits=limits, priority=body.priority)
    )
