"""What clients of every dialect do with the loaded checkpoint."""

from __future__ import annotations

from modules.application.application import Application
from modules.application.jobs.awaiting import on_engine_thread


async def unload_checkpoint(app: Application) -> None:
    """Let go of the loaded checkpoint after the running job. The next job loads it again."""
    if app.engine_ready:
        await on_engine_thread(app, app.engine.unload)


async def reload_checkpoint(app: Application) -> None:
    """Have the chosen checkpoint loaded, and return when it is. Raises CheckpointError where it cannot be."""
    info = app.selected_checkpoint or app.catalogue.default()
    await on_engine_thread(app, lambda: app.engine.load(info))
