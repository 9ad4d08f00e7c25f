"""Pictures that the user chose to keep."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.api.body import Body, ShortText, Whole
from modules.application.application import Application
from modules.application.save_button import result_of_job, save_pictures


class KeepRequest(Body):
    """Which pictures of a job to save, as the page's Save buttons do."""

    job: ShortText = Field(description="The job that made them; its pictures must still be in memory.")
    selected: Whole | None = Field(None, description="The number of one picture in the job's answer; null: all.")
    archive: bool = Field(False, description="Also put them into a zip file.")


class KeepResponse(BaseModel):
    """The files that were written."""

    files: list[str]
    archive: str | None = None
    warnings: list[str] = []


def routes(app: Application) -> APIRouter:
    """POST pictures/keep."""
    router = APIRouter(prefix="/api/v1", tags=["pictures"])

    @router.post("/pictures/keep", summary="Save pictures of a job")
    async def keep(body: KeepRequest) -> KeepResponse:
        """Save to the folder of the Save button, with a line in log.csv."""
        result = result_of_job(app, body.job)
        kept = await asyncio.to_thread(save_pictures, app, result, body.selected, archive=body.archive)
        return KeepResponse(
            files=[str(path) for path in kept.files],
            archive=str(kept.archive) if kept.archive else None,
            warnings=list(kept.warnings),
        )

    return router
