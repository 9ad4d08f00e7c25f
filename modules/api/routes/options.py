"""Settings and flags."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from modules.api.models import readable
from modules.api.requests import check_formats
from modules.application.application import Application
from modules.settings.model import Settings

DERIVED = ("sd_checkpoint_hash",)
"""Keys of the answer that follow from others; a client that sends the whole object back does not mean them."""


def routes(app: Application) -> APIRouter:
    """GET and POST options, GET cmd-flags."""
    router = APIRouter(prefix="/sdapi/v1", tags=["settings"])

    @router.get("/options", response_model=dict[str, Any], summary="All settings")
    def options() -> dict[str, Any]:
        """Every setting by its key, also those that this version does not know but keeps."""
        values = app.settings.current.model_dump()
        selected = app.selected_checkpoint
        values["sd_model_checkpoint"] = selected.title if selected else None
        values["sd_checkpoint_hash"] = (selected.sha256 if selected else None) or ""
        return values

    @router.post("/options", summary="Change settings")
    def change_options(changes: dict[str, Any]) -> None:
        """Change the settings that are sent, all of them or, if one does not fit, none; they are saved at once.

        A checkpoint may be given by title, name or hash; it is loaded as soon as nothing else runs.
        """
        meant = _meant(app, changes)
        check_formats(app.settings.current.changed(meant))
        app.settings.change(meant)

    @router.get("/cmd-flags", response_model=dict[str, Any], summary="The command line")
    def flags() -> dict[str, Any]:
        """The flags that Easel was started with."""
        return {field.name: _plain(getattr(app.flags, field.name)) for field in dataclasses.fields(app.flags)}

    return router


def _meant(app: Application, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a client means that may have sent back all of GET's answer: real changes, checkpoints by their titles."""
    current: Settings = app.settings.current
    meant = {
        key: value
        for key, value in readable(changes).items()
        if key not in DERIVED and not (value is None and getattr(current, key, None) is not None)
    }
    if wanted := meant.get("sd_model_checkpoint"):
        info, selected = app.catalogue.find(str(wanted)), app.selected_checkpoint
        if selected is not None and selected.path == info.path:
            del meant["sd_model_checkpoint"]
        else:
            meant["sd_model_checkpoint"] = info.title
    return meant


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
