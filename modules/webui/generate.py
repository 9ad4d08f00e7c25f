"""What Generate, Interrupt and Skip do, and how a finished run comes into the page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.application.jobs.awaiting import result_of
from modules.application.jobs.job import GenerationJob, Job, JobState
from modules.foundation.errors import EaselError
from modules.generation.result import GenerationResult
from modules.webui import gallery
from modules.webui.controls import request_from_values
from modules.webui.pictures import picture_addresses
from modules.webui.quicksettings import checkpoint_state

if TYPE_CHECKING:
    from modules.application.application import Application


async def generate(app: Application, task: str, values: list[Any], request: gr.Request) -> tuple[Any, ...]:
    """Run what the controls ask for. Answers with the new values of the results column and the checkpoint dropdown."""
    try:
        job = await asyncio.to_thread(app.submit, request_from_values(values), task or None)
    except EaselError as error:
        return failed(error)
    return await follow(app, job, request)


async def restore(app: Application, task: str, request: gr.Request) -> tuple[Any, ...]:
    """Come back to a run that was started before the page was reloaded, running or finished meanwhile.

    The program may have ended and begun again in between.
    """
    job = app.queue.find(task)
    if isinstance(job, GenerationJob):
        return await follow(app, job, request)
    try:
        result = await asyncio.to_thread(app.jobs.remembered_result, task)
    except EaselError:  # nothing is kept
        result = None
    return _nothing() if result is None else finished(app, Job("txt2img", "", job_id=task), result, request)


async def follow(app: Application, job: Job[GenerationResult], request: gr.Request) -> tuple[Any, ...]:
    """Wait for a job and show what came of it. The job goes on when the page is closed meanwhile."""
    try:
        result = await result_of(job)
    except EaselError as error:
        return failed(error)
    return finished(app, job, result, request)


def interrupt(app: Application, task: str) -> None:
    """Stop the run of this page (or, if the page has none, the current one).

    With several batches the first press may, as the settings say, only keep the next batch from starting.
    """
    job = app.queue.find(task) or app.queue.current
    if job is None or job.finished or app.queue.withdraw(job):
        return
    gently = app.settings.current.interrupt_after_current and job.progress.batches > 1
    if gently and job.state is JobState.RUNNING and not job.control.stopping:
        job.control.stop_after_batch()
        gr.Info("Stopping after this batch. Press again to stop at once.", title="Interrupting")
    else:
        job.interrupt()


def skip(app: Application, task: str) -> None:
    """Leave the current batch of this page's run and go on with the next."""
    job = app.queue.find(task) or app.queue.current
    if job is not None and not job.finished:
        job.skip()


def finished(
    app: Application, job: Job[GenerationResult], result: GenerationResult, request: gr.Request
) -> tuple[Any, ...]:
    """What a finished run shows."""
    if lost := gallery.unsaved(result.images):
        gr.Warning(
            f"{lost[0].error} The picture is in the gallery: download it before you close the page.",
            title="Not saved" if len(lost) == 1 else f"{len(lost)} pictures were not saved",
            duration=20,
        )
    info = gallery.generation_info(result, job.id)
    if not result.images:
        # Interrupted before anything was finished: what the gallery showed before is worth more than nothing.
        return (
            gr.skip(),
            gr.skip(),
            gr.skip(),
            gr.skip(),
            gallery.log_html(result),
            gr.Dropdown(**checkpoint_state(app)),
        )
    return (
        gr.Gallery(value=picture_addresses(job, result, request), selected_index=0),
        0,
        info,
        gallery.info_of_picture(info, 0),
        gallery.log_html(result),
        gr.Dropdown(**checkpoint_state(app)),
    )


def failed(error: EaselError) -> tuple[Any, ...]:
    """What a run shows that made no picture."""
    gr.Warning(str(error), title="No picture was made", duration=12)
    return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gallery.error_html(error), gr.skip()


def _nothing() -> tuple[Any, ...]:
    return tuple(gr.skip() for _ in range(6))
