"""Waiting for a job within a handler of the page, without a thread that waits."""

from __future__ import annotations

import asyncio
import contextlib

from modules.application.jobs.job import Job
from modules.generation.result import GenerationResult


async def outcome(job: Job[GenerationResult]) -> GenerationResult:
    """The result of a job. It goes on when the page is closed meanwhile. Raises the EaselError it ended with."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        # The loop is closed when the server ended before the engine did; then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    job.when_finished(tell)
    await done.wait()
    return job.wait(0)
