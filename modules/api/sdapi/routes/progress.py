"""Watching and stopping what runs."""

from __future__ import annotations

import time

from fastapi import APIRouter

from modules.api.live_previews import Preview, Previews
from modules.api.sdapi.responses import ProgressResponse, State
from modules.application.application import Application
from modules.application.jobs.job import AnyJob
from modules.foundation.plain import JsonObject
from modules.generation.progress import ProgressSnapshot

CURRENT_IMAGE = "png"
"""The file format of `current_image`."""


def routes(app: Application, previews: Previews) -> APIRouter:
    """GET progress, POST interrupt, POST skip."""
    router = APIRouter(prefix="/sdapi/v1", tags=["progress"])

    @router.get("/progress", response_model=ProgressResponse, summary="How far the running job is")
    async def progress(skip_current_image: bool = False) -> ProgressResponse:
        """Everything is at rest when nothing runs, but for a checkpoint that is being read.

        `skip_current_image` leaves the unfinished picture out.
        """
        job = app.queue.current
        preview = None if job is None or skip_current_image else await previews.newest(job, CURRENT_IMAGE)
        return running_progress(app, job, preview)

    @router.post("/interrupt", summary="Stop the running job")
    async def interrupt() -> JsonObject:
        """It stops within its current step; what is finished is kept. Waiting jobs are not touched."""
        if (job := app.queue.current) is not None:
            job.interrupt()
        return {}

    @router.post("/skip", summary="Skip the running batch")
    async def skip() -> None:
        """The running job goes on with its next batch."""
        if (job := app.queue.current) is not None:
            job.skip()

    return router


def running_progress(app: Application, job: AnyJob | None, preview: Preview | None) -> ProgressResponse:
    """The answer of GET /sdapi/v1/progress while `job` runs."""
    if job is None:
        # A checkpoint that was chosen is read between two jobs.
        share = app.loading[1] if app.loading is not None else 0.0
        return ProgressResponse(progress=share, eta_relative=0.0, state=State(), current_image=None)
    now = job.progress
    picture = preview[1].base64 if preview is not None and preview[1] is not None else None
    return ProgressResponse(
        progress=now.fraction, eta_relative=now.eta or 0.0, state=_state(job, now), current_image=picture
    )


def _state(job: AnyJob, now: ProgressSnapshot) -> State:
    control = job.control
    return State(
        skipped=control.skipped,
        interrupted=control.interrupted,
        stopping_generation=control.stopping and not control.interrupted,
        job=f"Batch {now.batch + 1} out of {now.batches}" if now.batches > 1 else job.kind,
        job_count=now.batches,
        job_timestamp=time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        job_no=now.batch,
        sampling_step=now.step,
        sampling_steps=now.steps,
    )
