"""Jobs by id: submitted and answered at once, seen, moved, stopped and done again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Response

from modules.api.generation.requests import img2img_request, txt2img_request
from modules.api.live_previews import MIME, Previews
from modules.api.v1.answers import history_item, job_infos, queue_info
from modules.api.v1.bodies import (
    CancelBody,
    JobDetails,
    JobInfo,
    JobList,
    JobStateName,
    MoveBody,
    QueueInfo,
    RepeatBody,
    SubmitImg2Img,
    SubmitTxt2Img,
)
from modules.api.v1.routes.events import EVENTS
from modules.application.application import Application
from modules.application.jobs.job import AnyJob, JobState
from modules.application.jobs.store import record_of
from modules.foundation.errors import RequestError
from modules.generation.request import GenerationRequest

Before = Annotated[int | None, Query(ge=0, le=2**53, description="Only jobs older than the one of this number.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]


def routes(app: Application, previews: Previews) -> APIRouter:
    """/api/v1/jobs and /api/v1/queue."""
    router = APIRouter(prefix="/api/v1", tags=["jobs"])
    _add_submitting(router, app)
    _add_viewing(router, app, previews)
    _add_stopping(router, app)
    _add_moving(router, app)
    _add_repeating(router, app)
    _add_queue(router, app)
    return router


def submitted(app: Application, request: GenerationRequest, body: SubmitTxt2Img | SubmitImg2Img) -> JobInfo:
    """Queue what `body` asked for. Raises EaselError when the program takes no more jobs."""
    job = app.submit(request, body.force_task_id, priority=body.priority, source="v1", promised=True)
    return job_infos(app, [record_of(job)])[0]


def _add_submitting(router: APIRouter, app: Application) -> None:
    @router.post("/jobs/txt2img", status_code=201, summary="Submit pictures from words")
    def submit_txt2img(body: SubmitTxt2Img) -> JobInfo:
        """Queue the request and answer at once. The job keeps the settings and the checkpoint of this moment.

        How it goes on is at /api/v1/jobs/ID, or pushed by /api/v1/events?job=ID.
        """
        return submitted(app, txt2img_request(app, body), body)

    @router.post("/jobs/img2img", status_code=201, summary="Submit pictures from pictures and words")
    def submit_img2img(body: SubmitImg2Img) -> JobInfo:
        """Queue the request and answer at once. The job keeps the settings and the checkpoint of this moment.

        How it goes on is at /api/v1/jobs/ID, or pushed by /api/v1/events?job=ID.
        """
        return submitted(app, img2img_request(app, body), body)


def _add_viewing(router: APIRouter, app: Application, previews: Previews) -> None:
    @router.get("/jobs", summary="Jobs, newest first")
    def list_jobs(
        state: Annotated[list[JobStateName] | None, Query(description="Only jobs in one of these states.")] = None,
        standing: Annotated[str | None, Query(description="Only jobs of this recurring job.")] = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> JobList:
        """Waiting, running and ended jobs, also those of earlier starts of the program."""
        states = [JobState(each) for each in state or ()]
        records = app.jobs.store.newest(states, standing=standing, before=before, limit=limit)
        return JobList(jobs=job_infos(app, records), next=records[-1].number if len(records) == limit else None)

    @router.get("/jobs/{job_id}", summary="One job with its pictures")
    def get_job(job_id: str) -> JobDetails:
        """Where the job stands; while it runs, how far it is."""
        info = _info(app, job_id)
        images = [history_item(image) for image in app.jobs.recorder.history.of_job(job_id)]
        return JobDetails(**info.model_dump(), images=images)

    @router.get("/jobs/{job_id}/preview", response_class=Response, summary="The unfinished picture")
    async def preview(job_id: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
        """The newest view of a running job as a JPEG; 204 while there is none. `ETag` is its number."""
        job = app.queue.find(job_id)
        if job is None:
            raise _unknown(job_id)
        number, image = job.control.preview
        if image is not None and not job.finished and if_none_match == (headers := _cached_as(number))["ETag"]:
            return Response(status_code=304, headers=headers)
        number, picture = await previews.newest(job, "jpeg")
        if picture is None or job.finished:
            return Response(status_code=204)
        return Response(picture.file, media_type=MIME["jpeg"], headers=_cached_as(number))


def _add_stopping(router: APIRouter, app: Application) -> None:
    @router.post("/jobs/{job_id}/cancel", summary="Cancel or interrupt a job")
    def cancel(job_id: str, body: CancelBody | None = None) -> JobInfo:
        """A waiting job is taken out of the queue; a running one stops. One that has ended is left as it is."""
        if (job := _live(app, job_id)) is not None:
            app.jobs.cancel(job, body.stop if body else "now")
        return _info(app, job_id)

    @router.post("/jobs/{job_id}/skip", summary="Skip the running batch of a job")
    def skip(job_id: str) -> JobInfo:
        """The job goes on with its next batch."""
        _running(app, job_id).skip()
        return _info(app, job_id)


def _add_moving(router: APIRouter, app: Application) -> None:
    @router.post("/jobs/{job_id}/pause", summary="Pause a waiting job")
    def pause(job_id: str) -> JobInfo:
        """It keeps its place and is passed by until it is resumed."""
        return held(job_id, held=True)

    @router.post("/jobs/{job_id}/resume", summary="Resume a paused job")
    def resume(job_id: str) -> JobInfo:
        """It waits for its turn again."""
        return held(job_id, held=False)

    def held(job_id: str, *, held: bool) -> JobInfo:
        job = _live(app, job_id)
        if job is None or not app.queue.hold(job, held=held):
            raise _conflict(app, job_id, "only waiting jobs can be paused and resumed")
        return _info(app, job_id)

    @router.post("/jobs/{job_id}/move", summary="Move a waiting job")
    def move(job_id: str, body: MoveBody) -> JobInfo:
        """To an end of the queue, before another job (whose priority it takes), or to another priority."""
        if sum(each is not None for each in (body.to, body.before, body.priority)) != 1:
            raise RequestError('Give exactly one of "to", "before" and "priority".', "to")
        job = _live(app, job_id)
        if job is None or not _moved(app, job, body):
            raise _conflict(app, job_id, "only waiting jobs can be moved, and only before waiting ones")
        return _info(app, job_id)


def _moved(app: Application, job: AnyJob, body: MoveBody) -> bool:
    if body.priority is not None:
        return app.queue.set_priority(job, body.priority)
    to = _live(app, body.before) if body.before is not None else body.to
    return to is not None and app.queue.move(job, to)


def _add_repeating(router: APIRouter, app: Application) -> None:
    @router.post("/jobs/{job_id}/retry", status_code=201, summary="Run a failed or interrupted job again")
    def retry(job_id: str) -> JobInfo:
        """The job waits again under its id, with its settings and seeds."""
        if _info(app, job_id).state not in ("failed", "interrupted"):
            raise _conflict(app, job_id, "only failed and interrupted jobs can be retried")
        app.jobs.retry(job_id)
        return _info(app, job_id)

    @router.post("/jobs/{job_id}/repeat", status_code=201, summary="Do the same once more")
    def repeat(job_id: str, body: RepeatBody | None = None) -> JobList:
        """New jobs with the same request, settings and checkpoint."""
        _info(app, job_id)
        count, same = (body.count, body.same_seeds) if body else (1, False)
        jobs = app.jobs.repeat(job_id, count, same_seeds=same)
        records = [record for job in jobs if (record := app.jobs.store.find(job.id)) is not None]
        return JobList(jobs=job_infos(app, records), next=None)

    @router.delete("/jobs/{job_id}", status_code=204, summary="Forget a job that has ended")
    def forget(job_id: str) -> None:
        """It leaves the lists; its pictures stay in the history."""
        if _info(app, job_id).state in ("waiting", "paused", "running"):
            raise _conflict(app, job_id, "cancel it first")
        app.jobs.forget(job_id)


def _add_queue(router: APIRouter, app: Application) -> None:
    @router.get("/queue", summary="The queue", description=f"What runs, and what waits in which order. {EVENTS}")
    def get_queue() -> QueueInfo:
        return queue_info(app)

    @router.post("/queue/pause", summary="Pause the queue")
    def pause_queue() -> QueueInfo:
        """No further job is started, over restarts too; what runs is finished."""
        app.jobs.pause(paused=True)
        return queue_info(app)

    @router.post("/queue/resume", summary="Resume the queue")
    def resume_queue() -> QueueInfo:
        """The queue starts waiting jobs again after a pause."""
        app.jobs.pause(paused=False)
        return queue_info(app)


def _cached_as(preview: int) -> dict[str, str]:
    return {"ETag": f'"{preview}"', "Cache-Control": "no-cache"}


def _info(app: Application, job_id: str) -> JobInfo:
    record = app.jobs.store.find(job_id)
    if record is None:
        raise _unknown(job_id)
    return job_infos(app, [record])[0]


def _live(app: Application, job_id: str) -> AnyJob | None:
    """The job while it is in the queue; 404 when it is not known at all."""
    job = app.queue.find(job_id)
    if job is None:
        _info(app, job_id)
    return job


def _running(app: Application, job_id: str) -> AnyJob:
    job = _live(app, job_id)
    if job is None or job not in app.queue.running:
        raise _conflict(app, job_id, "only running jobs can be skipped")
    return job


def _unknown(job_id: str) -> HTTPException:
    return HTTPException(404, f"There is no job {job_id!r} (any more).")


def _conflict(app: Application, job_id: str, rule: str) -> HTTPException:
    return HTTPException(409, f"Job {job_id!r} is {_info(app, job_id).state}: {rule}.")
