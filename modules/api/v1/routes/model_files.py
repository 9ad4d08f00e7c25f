"""Model files that are made or fetched."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from modules.api.v1.model_file_bodies import DownloadRequest, FileJob, MergeRequest, download_of, file_job, recipe_of
from modules.application.application import Application
from modules.application.downloads.download import submit_download
from modules.application.jobs.awaiting import result_of
from modules.application.merging import submit_merge


def routes(app: Application) -> APIRouter:
    """POST checkpoints/merge, POST models/download."""
    router = APIRouter(prefix="/api/v1", tags=["model files"])

    @router.post("/checkpoints/merge", summary="Merge checkpoints")
    async def merge(body: MergeRequest) -> FileJob:
        """Queue a merge. Its progress is that of the job; the file is in the list of checkpoints when it is done."""
        app.policy.check_files("Merging checkpoints")
        recipe = await asyncio.to_thread(recipe_of, app, body)
        job = await asyncio.to_thread(submit_merge, app, recipe, overwrite=body.overwrite)
        if body.wait:
            await result_of(job)
        return file_job(job)

    @router.post("/models/download", summary="Fetch a model file")
    async def download(body: DownloadRequest) -> FileJob:
        """Queue a download. Asked for again after it broke off, it goes on where it was."""
        job = await asyncio.to_thread(submit_download, app, download_of(body))
        if body.wait:
            await result_of(job)
        return file_job(job)

    return router
