"""Model files that are made or fetched."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from modules.api.model_files import FileJob, MergeRequest, file_job, recipe_of
from modules.api.waiting import result_of
from modules.application.application import Application
from modules.application.merging import submit_merge


def routes(app: Application) -> APIRouter:
    """POST checkpoints/merge."""
    router = APIRouter(prefix="/api/v1", tags=["model files"])

    @router.post("/checkpoints/merge", summary="Merge checkpoints")
    async def merge(body: MergeRequest) -> FileJob:
        """Queue a merge. Its progress is that of the job; the file is in the list of checkpoints when it is done."""
        recipe = await asyncio.to_thread(recipe_of, app, body)
        job = submit_merge(app, recipe, overwrite=body.overwrite)
        if body.wait:
            await result_of(job)
        return file_job(job)

    return router
