"""The sound at the end of a run: the file notification.mp3 of the data folder, if the user put one there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modules.settings.paths import PROGRAM_FOLDER

if TYPE_CHECKING:
    import fastapi

    from modules.application.application import Application

URL = "easel/notification.mp3"


def address(app: Application) -> str | None:
    """Where the page finds the sound; None when there is none, or none is wanted."""
    return URL if app.settings.current.notification_audio and _file(app) is not None else None


def add_route(api: fastapi.FastAPI, app: Application) -> None:
    """Add the route that serves the notification sound."""
    import fastapi
    from fastapi.responses import FileResponse

    @api.get(f"/{URL}", include_in_schema=False)
    def sound() -> FileResponse:
        if (path := _file(app)) is None:
            raise fastapi.HTTPException(404, "There is no notification.mp3 in the data folder.")
        return FileResponse(path, media_type="audio/mpeg")


def _file(app: Application) -> Path | None:
    places = (app.paths.data / "notification.mp3", PROGRAM_FOLDER / "notification.mp3")
    return next((path for path in places if path.is_file()), None)
