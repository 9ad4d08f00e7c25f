"""img2img over the files of a folder."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from modules.api.body import FiniteNumber, ShortText
from modules.api.generation.bodies import StableDiffusionProcessingImg2Img
from modules.api.generation.requests import img2img_template, inpaint_options
from modules.api.v1.answers import job_infos
from modules.api.v1.bodies import JobInfo
from modules.application.application import Application
from modules.application.jobs.folder_batch import submit_folder_batch
from modules.foundation.errors import Forbidden, RequestError, reason_of
from modules.generation.folder_batch import PNG_INFO_PROPERTIES, FolderBatch, FolderBatchResult


class Img2ImgBatchBody(StableDiffusionProcessingImg2Img):
    """An img2img request for every picture of a folder; its own init_images and mask are not used."""

    input_dir: ShortText = Field(description="Folder with the pictures to begin with, and those below it.")
    output_dir: ShortText = Field("", description="Folder for the results, called as their files; empty: img2img's.")
    inpaint_mask_dir: ShortText = Field(
        "", description="Folder with masks named as the files, or with one mask for all."
    )
    use_png_info: bool = Field(False, description="Take parameters from each file.")
    png_info_props: list[ShortText] = Field(list(PNG_INFO_PROPERTIES), description="Which; prompts are appended.")
    png_info_dir: ShortText = Field(
        "", description="Folder with the files that carry the parameters; empty: the pictures."
    )
    scale_by: FiniteNumber | None = Field(None, description="Make each result this much larger than its file.")


class BatchFileItem(BaseModel):
    """What came of one file."""

    source: str
    saved: list[str]
    warnings: list[str]
    error: str | None = Field(None, description="Why nothing came of it.")


class Img2ImgBatchReport(BaseModel):
    """What came of a batch."""

    total: int = Field(description="Files that there were.")
    done: int
    failed: list[BatchFileItem] = Field(description="The files of which nothing came.")
    files: list[BatchFileItem]
    interrupted: bool


def routes(app: Application) -> APIRouter:
    """POST /api/v1/jobs/img2img-batch, and the report of one that has ended."""
    router = APIRouter(prefix="/api/v1", tags=["jobs"])

    @router.post("/jobs/img2img-batch", status_code=201, summary="Submit img2img over a folder")
    async def submit(body: Img2ImgBatchBody) -> JobInfo:
        """Queue the batch and answer at once. Its progress counts files; those that fail are left out and reported."""
        return await asyncio.to_thread(_submitted, app, body)

    @router.get("/jobs/{job_id}/files", summary="What came of each file of a batch")
    def report(job_id: str) -> Img2ImgBatchReport:
        """The files of an img2img batch that has ended, as long as Easel has not been restarted since."""
        job = app.queue.find(job_id)
        if job is None or not isinstance(job.result, FolderBatchResult):
            raise HTTPException(404, f"There is no report for job {job_id!r}: it is no batch, or has not ended.")
        return _report(job.result)

    return router


def _submitted(app: Application, body: Img2ImgBatchBody) -> JobInfo:
    if app.policy.is_open:
        raise Forbidden(
            "Everybody on the network may use this Easel (--listen without --gradio-auth), so no folders can be chosen "
            "from here. Start it with --gradio-auth.",
            "input_dir",
        )
    if not body.input_dir.strip():
        raise RequestError("input_dir must name the folder with the pictures.", "input_dir")
    request = replace(img2img_template(app, body), save_images=not body.do_not_save_samples, save_grid=False)
    batch = FolderBatch(
        request=request,
        input_folder=_folder(app, body.input_dir, "input_dir"),
        output_folder=_folder(app, body.output_dir, "output_dir"),
        mask_folder=_folder(app, body.inpaint_mask_dir, "inpaint_mask_dir"),
        inpaint=inpaint_options(body) if body.inpaint_mask_dir.strip() else None,
        png_info=tuple(body.png_info_props) if body.use_png_info else (),
        png_info_folder=_folder(app, body.png_info_dir, "png_info_dir"),
        scale=body.scale_by,
    )
    job = submit_folder_batch(app, batch, body.force_task_id)
    record = app.jobs.store.find(job.id)
    assert record is not None
    return job_infos(app, [record])[0]


def _folder(app: Application, name: str, field: str) -> Path | None:
    """The folder of that name, which need not exist. Raises RequestError for a name that no folder can have."""
    if not name.strip():
        return None
    try:
        folder = app.paths.data / Path(name.strip()).expanduser()
        with contextlib.suppress(FileNotFoundError):
            folder.stat()
    except (OSError, ValueError, RuntimeError) as error:
        raise RequestError(f"{field} names no folder that there can be ({reason_of(error)[:100]}).", field) from error
    return folder


def _report(result: FolderBatchResult) -> Img2ImgBatchReport:
    files = [
        BatchFileItem(
            source=str(file.source),
            saved=[str(path) for path in file.saved],
            warnings=list(file.warnings),
            error=file.error,
        )
        for file in result.files
    ]
    failed = [file for file in files if file.error is not None]
    return Img2ImgBatchReport(
        total=result.total,
        done=len(files) - len(failed),
        failed=failed,
        files=files,
        interrupted=result.interrupted,
    )
