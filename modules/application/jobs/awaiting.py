"""Waiting for a job or for the engine's thread without holding a thread of the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from modules.application.application import Application
from modules.application.jobs.job import Job
from modules.foundation.errors import EaselError

Result = TypeVar("Result")


async def result_of(job: Job[Result]) -> Result:
    """The job's result as soon as it is there. Raises the EaselError with which it failed.

    A client that goes away meanwhile changes nothing: the job belongs to the queue.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    job.when_finished(lambda: _tell(loop, done.set))
    await done.wait()
    return job.wait(0)


async def on_engine_thread(app: Application, task: Callable[[], object]) -> None:
    """Have `task()` done between two jobs. Raises the EaselError that it raised."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    failed: list[EaselError] = []

    def run() -> None:
        try:
            task()
        except EaselError as error:
            failed.append(error)
        finally:
            _tell(loop, done.set)

    app.queue.call_soon(run)
    await done.wait()
    if failed:
        raise failed[0]


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    # The loop is closed when the server ended before the engine did; then no waiter is left.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
