"""From jobs and pictures to what /api/v1 says of them."""

from __future__ import annotations

from collections.abc import Sequence

from modules.api.v1.bodies import HistoryItem, JobInfo, JobProgress, QueueInfo, RecurringJobInfo
from modules.application.application import Application
from modules.application.history import HistoryImage
from modules.application.jobs.job import AnyJob, JobState
from modules.application.jobs.recurring import RecurringRecord
from modules.application.jobs.store import JobRecord
from modules.foundation.plain import JsonObject

IMAGES = "api/v1/images"
_SHARED = JobInfo.model_fields.keys() & JobRecord.__dataclass_fields__.keys() - {"state"}
_IN_LINE = (JobState.WAITING, JobState.PAUSED)


def job_infos(app: Application, records: Sequence[JobRecord]) -> list[JobInfo]:
    """What is known of kept jobs, with the place of those that wait and the progress of those that run."""
    running = {job.id: job for job in app.queue.running}
    return [
        JobInfo(
            **{name: getattr(record, name) for name in _SHARED},
            state=record.state.value,
            position=app.queue.position_of(record.id) if record.state in _IN_LINE else None,
            interrupted_by_restart=record.interrupted_by_restart,
            progress=job_progress(running[record.id]) if record.id in running else None,
        )
        for record in records
    ]


def job_progress(job: AnyJob) -> JobProgress:
    """How far a running job is."""
    now = job.progress
    return JobProgress(
        fraction=now.fraction,
        eta=now.eta,
        phase=now.phase,
        step=now.step,
        steps=now.steps,
        batch=now.batch,
        batches=now.batches,
        preview=now.preview_number,
    )


def queue_info(app: Application) -> QueueInfo:
    """The queue at this moment."""
    store = app.jobs.store
    running, waiting = ([store.find(job.id) for job in jobs] for jobs in (app.queue.running, app.queue.waiting))
    return QueueInfo(
        paused=app.queue.paused,
        running=job_infos(app, [record for record in running if record is not None]),
        waiting=job_infos(app, [record for record in waiting if record is not None]),
    )


def history_item(image: HistoryImage) -> HistoryItem:
    """A picture of the history."""
    values: JsonObject = {
        name: getattr(image, name) for name in HistoryItem.model_fields if name in HistoryImage.__dataclass_fields__
    }
    return HistoryItem(**values, url=f"{IMAGES}/{image.id}", saved=image.path is not None)


def recurring_job_info(record: RecurringRecord) -> RecurringJobInfo:
    """A recurring job."""
    return RecurringJobInfo(
        id=record.id,
        state=record.state,
        title=record.title,
        priority=record.priority,
        checkpoint=record.checkpoint,
        seeds=record.seeds,
        pictures=record.limits.pictures,
        seconds=record.limits.seconds,
        least_free_gb=record.limits.free_bytes / 1e9,
        made=record.made,
        created=record.created,
        finished=record.finished,
        note=record.note,
    )
