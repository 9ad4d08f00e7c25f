"""Ending the program over the API; only where --api-server-stop allows it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from modules.application.application import Application


def routes(app: Application) -> APIRouter:
    """POST server-stop, server-restart, server-kill; none of them without the flag."""
    router = APIRouter(prefix="/sdapi/v1", tags=["server"])
    if not app.flags.api_server_stop:
        return router

    @router.post("/server-stop", response_class=PlainTextResponse, summary="End the program")
    def server_stop() -> str:
        """Interrupt what runs, save what is finished, and end."""
        app.shutdown.stop()
        return "Stopping."

    @router.post("/server-restart", response_class=PlainTextResponse, summary="End the program and start it again")
    def server_restart() -> str:
        """As server-stop; then Easel starts again with the same command line."""
        app.shutdown.restart()
        return "Restarting."

    @router.post("/server-kill", response_class=PlainTextResponse, summary="End the program at once")
    def server_kill() -> str:
        """End without waiting for anything. No file is half written by that, but unsaved pictures are lost."""
        app.shutdown.kill()
        return "Killed."

    return router
