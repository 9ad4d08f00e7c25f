"""What the program says of itself and its machine."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from modules.api.sdapi.sysinfo import file_name, startup_profile, sysinfo, why_changed
from modules.application.application import Application
from modules.foundation.plain import JsonObject


class SysinfoFile(BaseModel):
    """The content of a saved system report, to be checked."""

    text: Annotated[str, Field(max_length=8_000_000)]


class SysinfoValidity(BaseModel):
    """Whether it is as it was written, and a sentence about it."""

    valid: bool
    detail: str


def routes(app: Application) -> APIRouter:
    """GET sysinfo, sysinfo-download and profile-startup, POST sysinfo-check below /internal."""
    router = APIRouter(prefix="/internal", tags=["internal"])

    @router.get("/sysinfo", response_class=PlainTextResponse, summary="The machine and the set-up")
    async def show_sysinfo(attachment: bool = False) -> PlainTextResponse:
        """What a report of an error should contain, as JSON without secrets. `attachment` makes a browser save it."""
        text = json.dumps(await asyncio.to_thread(sysinfo, app), indent=4, default=str)
        place = "attachment" if attachment else "inline"
        return PlainTextResponse(text, headers={"Content-Disposition": f'{place}; filename="{file_name()}"'})

    @router.get("/sysinfo-download", response_class=PlainTextResponse, summary="The same as a file")
    async def download_sysinfo() -> PlainTextResponse:
        """What a report of an error should contain, for a browser to save."""
        return await show_sysinfo(attachment=True)

    @router.post("/sysinfo-check", summary="Whether such a file is as it was written")
    def check_sysinfo(file: SysinfoFile) -> SysinfoValidity:
        """Compares the checksum of a file with its contents."""
        reason = why_changed(file.text)
        return SysinfoValidity(valid=reason is None, detail=reason or "The file is as Easel wrote it.")

    @router.get("/profile-startup", summary="Where the start's time went")
    async def profile_startup() -> JsonObject:
        """Seconds of each part of the start, and `total`."""
        return startup_profile(app)

    return router
