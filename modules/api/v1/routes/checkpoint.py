"""The loaded checkpoint: out of the memory, and in again."""

from __future__ import annotations

from fastapi import APIRouter

from modules.api import loaded_checkpoint
from modules.application.application import Application


def routes(app: Application) -> APIRouter:
    """POST checkpoint/unload and checkpoint/reload below /api/v1."""
    router = APIRouter(prefix="/api/v1", tags=["models"])

    @router.post("/checkpoint/unload", status_code=204, summary="Free the memory of the checkpoint")
    async def unload() -> None:
        """Let go of the loaded checkpoint after the running job. The next job loads it again."""
        await loaded_checkpoint.unload_checkpoint(app)

    @router.post("/checkpoint/reload", status_code=204, summary="Load the chosen checkpoint")
    async def reload() -> None:
        """Have the chosen checkpoint loaded, and answer when it is."""
        await loaded_checkpoint.reload_checkpoint(app)

    return router
