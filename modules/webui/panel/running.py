"""What Generate, Interrupt and Skip do, and how a finished run comes into the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from modules.application.jobs.awaiting import result_of
from modules.application.jobs.job import AnyJob, Job, JobState
from modules.foundation.errors import EaselError
from modules.generation.folder_batch import FolderBatchResult
from modules.generation.result import GenerationResult
from modules.webui.builder import PageBuilder
from modules.webui.events import Act, on
from modules.webui.panel import info_text
from modules.webui.panel.generation_panel import GenerationPanel
from modules.webui.panel.results import Shown
from modules.webui.pictures import picture_addresses
from modules.webui.quicksettings import checkpoint_state

if TYPE_CHECKING:
    from modules.application.application import Application

Run = AnyJob
"""What a panel begins: its result is a GenerationResult or a FolderBatchResult."""

Submit = Callable[[Mapping[str, object], str | None], Run]
"""Hands in what the controls of a panel (their values by name) ask for, under a name. Raises EaselError."""


def wire_running(page: PageBuilder, panel: GenerationPanel, submit: Submit) -> None:
    """Tie the buttons that start, stop and come back to a run."""
    app = page.app
    outputs = [*panel.results.shown, page.quick.checkpoint]

    async def on_generate(request: gr.Request, task: str, *values: object) -> list[object]:
        return show(app, await generate(app, submit, task, panel.sent_values(values), request))

    async def on_restore(request: gr.Request, task: str) -> list[object]:
        return show(app, await restore(app, task, request))

    buttons = RunButtons(tab=panel.tab, task=panel.task, parts=panel.parts, inputs=panel.inputs, outputs=outputs)
    tie_run(app, buttons, on_generate, on_restore)


@dataclass(frozen=True, kw_only=True)
class RunButtons:
    """What a tab begins, stops and comes back to a run with, and what it shows of it.

    `task` is the hidden box with the run's name, `inputs` are sent, `outputs` get what came of it.
    """

    tab: str
    task: Component
    parts: Mapping[str, Component]
    inputs: Sequence[Component]
    outputs: Sequence[Component]


def tie_run(app: Application, buttons: RunButtons, on_generate: Act, on_restore: Act) -> None:
    """Tie the buttons of a run. Both handlers are given its name first, and wait until it has ended."""
    tab, parts, outputs = buttons.tab, buttons.parts, buttons.outputs
    # The browser names the run before it asks for it, so that it can watch it at once; see static/progress.js.
    begin, end = f"(...values) => easel.begin('{tab}', values)", f"() => easel.finished('{tab}')"
    task = [buttons.task]
    on(parts["generate"], "click", on_generate, [*task, *buttons.inputs], outputs, js=begin, ended=end, waits=True)
    running = f"() => easel.runningTask('{tab}')"
    on(parts["restore_progress"], "click", on_restore, task, outputs, js=running, ended=end, waits=True)
    last = gr.Button("Last pictures", elem_id=f"{tab}_restore_last", visible="hidden")
    last_job, shown = f"() => easel.lastJob('{tab}')", f"() => easel.lastShown('{tab}')"
    on(last, "click", on_restore, task, outputs, js=last_job, ended=shown, waits=True)
    for name, act in (("interrupt", interrupt), ("interrupting", interrupt), ("skip", skip)):
        script = f"() => easel.{'runningTask' if act is skip else 'interrupting'}('{tab}')"
        if name in parts:
            # The second press of a hasty finger counts too: it turns "after this batch" into "at once".
            on(parts[name], "click", _bound(act, app), task, js=script, trigger="multiple", waits=True)


def show(app: Application, shown: Shown) -> list[object]:
    """The values for a panel's results and the checkpoint's dropdown."""
    if app.settings.current.do_not_show_images and shown.pictures:
        shown = replace(shown, pictures=())
    return [*shown.updates(), gr.Dropdown(**checkpoint_state(app))]


def _bound(act: Callable[[Application, str], None], app: Application) -> Callable[[str], None]:
    def handler(task: str) -> None:
        act(app, task)

    return handler


async def generate(
    app: Application, submit: Submit, task: str, values: Mapping[str, object], request: gr.Request
) -> Shown:
    """Run what the controls ask for, and show what came of it."""
    try:
        job = await asyncio.to_thread(submit, values, task or None)
    except EaselError as error:
        return failed(error)
    return await follow(app, job, request)


async def restore(app: Application, task: str, request: gr.Request) -> Shown:
    """Come back to a run that was started before the page was reloaded, running or finished meanwhile.

    The program may have ended and begun again in between.
    """
    job = app.queue.find(task)
    # Of older jobs it is only known how they ended; their pictures are in files.
    if job is not None and not (job.state is JobState.DONE and job.result is None):
        return await follow(app, job, request)
    try:
        result = await asyncio.to_thread(app.jobs.remembered_result, task)
    except EaselError:  # nothing is kept
        result = None
    return Shown() if result is None else finished(Job("txt2img", "", job_id=task), result, request)


async def follow(app: Application, job: Run, request: gr.Request) -> Shown:
    """Wait for a job and show what came of it. The job goes on when the page is closed meanwhile."""
    try:
        result = await result_of(job)
    except EaselError as error:
        return failed(error)
    return finished(job, result, request)


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


def finished(job: Run, result: GenerationResult | FolderBatchResult, request: gr.Request) -> Shown:
    """What a finished run shows."""
    if isinstance(result, FolderBatchResult):
        return _finished_batch(job, result, request)
    if lost := info_text.unsaved(result.images):
        gr.Warning(
            f"{lost[0].error} The picture is in the gallery: download it before you close the page.",
            title="Not saved" if len(lost) == 1 else f"{len(lost)} pictures were not saved",
            duration=20,
        )
    if not result.images:
        # Interrupted before anything was finished: what the gallery showed before is worth more than nothing.
        return Shown(html_log=info_text.log_html(result))
    info = info_text.generation_info(result, job.id)
    return Shown(
        pictures=picture_addresses(job, result, request),
        info=info,
        html_info=info_text.info_of_picture(info, 0),
        html_log=info_text.log_html(result),
    )


def _finished_batch(job: Run, result: FolderBatchResult, request: gr.Request) -> Shown:
    if not result.images:
        return Shown(html_log=info_text.batch_html(result))
    first = GenerationResult(images=result.images, info={})
    return replace(finished(job, first, request), html_log=info_text.batch_html(result))


def failed(error: EaselError) -> Shown:
    """What a run shows that made no picture."""
    gr.Warning(str(error), title="No picture was made", duration=12)
    return Shown(html_log=info_text.error_html(error))
