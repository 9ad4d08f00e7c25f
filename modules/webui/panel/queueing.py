"""What the menu of Generate does: put a job into the queue, or have pictures made until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import gradio as gr

from modules.application.jobs.recurring import RecurringLimits
from modules.foundation.errors import EaselError
from modules.generation.request import GenerationRequest
from modules.webui.builder import PageBuilder
from modules.webui.events import on
from modules.webui.panel.generation_panel import GenerationPanel

if TYPE_CHECKING:
    from modules.application.application import Application

QUEUED = "queued"
"""The source of such jobs: the pages show what comes of them as they show their own (static/progress.js)."""

MakeRequest = Callable[[Mapping[str, object]], GenerationRequest]
"""The request that the controls of a panel (their values by name) make. Raises EaselError."""


def wire_queueing(page: PageBuilder, panel: GenerationPanel, make_request: MakeRequest) -> None:
    """Tie both entries of the menu, which presses buttons that are not shown."""
    app, tab = page.app, panel.tab

    async def on_enqueue(*values: object) -> None:
        await _attempt(lambda: enqueue(app, make_request(panel.named(values))))

    async def on_forever(*values: object) -> None:
        await _attempt(lambda: begin_forever(app, make_request(panel.named(values))))

    for name, act in (("add_to_queue", on_enqueue), ("generate_forever", on_forever)):
        button = gr.Button(name, elem_id=f"{tab}_{name}", visible="hidden")
        on(button, "click", act, panel.components, trigger="multiple")


def enqueue(app: Application, request: GenerationRequest) -> str:
    """Put a request at the end of the queue; what is said of it."""
    app.submit(request, source=QUEUED)
    waiting = len(app.queue.waiting)
    return f"In the queue; {waiting} wait." if waiting > 1 else "In the queue."


def begin_forever(app: Application, request: GenerationRequest) -> str:
    """Make what is asked for again and again, with new seeds unless one is given; what is said of it."""
    room = RecurringLimits(free_bytes=int(app.settings.current.jobs_least_free_gb * 1e9))
    app.jobs.start_recurring(request, seeds="random" if request.seed == -1 else "fixed", limits=room)
    return "Pictures are made until you press Stop at the top, also when this page is closed."


async def _attempt(act: Callable[[], str]) -> None:
    try:
        gr.Info(await asyncio.to_thread(act), duration=5)
    except EaselError as error:
        gr.Warning(str(error), title="Not queued", duration=12)
