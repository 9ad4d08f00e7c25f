"""What A1111's own page asks its server for, and clients have come to ask too."""

from __future__ import annotations

from fastapi import APIRouter

from modules.api.live_previews import Preview, Previews, data_address
from modules.api.sdapi.bodies import InternalProgressRequest
from modules.api.sdapi.responses import InternalProgressResponse, PendingTasks, QuicksettingsHint
from modules.application.application import Application
from modules.application.jobs.job import AnyJob
from modules.foundation.plain import JsonObject
from modules.generation.progress import PHASES


def routes(app: Application, previews: Previews) -> APIRouter:
    """POST progress, GET pending-tasks, ping and quicksettings-hint below /internal."""
    router = APIRouter(prefix="/internal", tags=["internal"])

    @router.post("/progress", summary="How far one job is")
    async def progress(body: InternalProgressRequest) -> InternalProgressResponse:
        """Where the job with this id stands, with a preview if there is a newer one than the client has."""
        wanted = wanted_preview(app, body)
        return job_progress(app, body, wanted and await previews.newest(*wanted))

    @router.get("/pending-tasks", summary="Waiting jobs")
    async def pending_tasks() -> PendingTasks:
        """The ids of the jobs that have not started, next first."""
        tasks = [job.id for job in app.queue.waiting]
        return PendingTasks(size=len(tasks), tasks=tasks)

    @router.get("/ping", summary="Whether Easel is there")
    async def ping() -> JsonObject:
        """An empty object."""
        return {}

    @router.get("/quicksettings-hint", summary="Settings by label")
    async def quicksettings_hint() -> list[QuicksettingsHint]:
        """The settings that can be put on top of the page."""
        return [QuicksettingsHint(name=key, label=field.title or key) for key, field in app.settings.declared.items()]

    return router


def wanted_preview(app: Application, body: InternalProgressRequest) -> tuple[AnyJob, str] | None:
    """The job whose newest preview the client does not have yet, and in which file format it is to be; else None."""
    job = _running(app, body)
    if job is None or not body.live_preview or job.control.preview[0] == body.id_live_preview:
        return None
    return job, app.settings.current.live_previews_image_format


def job_progress(app: Application, body: InternalProgressRequest, preview: Preview | None) -> InternalProgressResponse:
    """The answer of POST /internal/progress, with a preview if there is one to be sent."""
    if (job := _running(app, body)) is not None:
        return _active(app, job, body, preview)
    job = app.queue.find(body.id_task) if body.id_task else None
    completed = job is not None and job.finished
    queued = job is not None and not completed
    place = _place(app, job) if queued and job is not None else "Waiting..."
    return _inactive(queued=queued, completed=completed, textinfo=place)


def _running(app: Application, body: InternalProgressRequest) -> AnyJob | None:
    return next((job for job in app.queue.running if job.id == body.id_task), None)


def _inactive(*, queued: bool, completed: bool, textinfo: str) -> InternalProgressResponse:
    return InternalProgressResponse(
        active=False,
        queued=queued,
        completed=completed,
        progress=None,
        eta=None,
        live_preview=None,
        id_live_preview=-1,
        textinfo=textinfo,
    )


def _active(
    app: Application, job: AnyJob, body: InternalProgressRequest, preview: Preview | None
) -> InternalProgressResponse:
    now, number, address = job.progress, body.id_live_preview, None
    if preview is not None and preview[1] is not None:
        number = preview[0]
        address = data_address(preview[1], app.settings.current.live_previews_image_format)
    return InternalProgressResponse(
        active=True,
        queued=False,
        completed=False,
        progress=now.fraction,
        eta=now.eta,
        live_preview=address,
        id_live_preview=number,
        textinfo=now.words,
    )


def _place(app: Application, job: AnyJob) -> str:
    waiting = tuple(other for other in app.queue.waiting if other.lane == job.lane)
    if app.queue.current is None and waiting and waiting[0] is job:
        # Nothing runs, yet it waits: the engine's thread is still loading the checkpoint ahead of the first job.
        return PHASES["loading"] + (f" {app.loading[1]:.0%}" if app.loading is not None else "")
    place = next((index for index, other in enumerate(waiting, 1) if other is job), 1)
    return f"In queue: {place}/{max(len(waiting), 1)}"
