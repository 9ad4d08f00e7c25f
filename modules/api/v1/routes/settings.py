"""Settings with what a page needs to say of them: defaults, what was changed, why one has no effect."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from modules.api.settings_changes import change_settings
from modules.application.application import Application
from modules.foundation.plain import JsonObject
from modules.settings.without_effect import REASONS

FILE_NAME = "easel-settings.json"


class SettingState(BaseModel):
    """One setting."""

    key: str
    label: str
    section: str
    default: Any = Field(description="The built-in value.")
    value: Any = Field(description="The value now.")
    restart: bool = Field(description="Whether a change takes effect after a restart only.")


class SettingStates(BaseModel):
    """All settings that act, and A1111's that do not."""

    settings: list[SettingState]
    changed: list[str] = Field(description="Keys of those whose value is not the default.")
    without_effect: dict[str, str] = Field(description="Key -> why the setting changes nothing here.")


class ChangedSettings(BaseModel):
    """What came of a change."""

    changed: list[str] = Field(description="Keys of the settings that have another value now.")


def routes(app: Application) -> APIRouter:
    """GET and PATCH settings, GET settings/file."""
    router = APIRouter(prefix="/api/v1", tags=["settings"])

    @router.get("/settings", summary="Settings with defaults and sections")
    def settings() -> SettingStates:
        """Each setting with its default, and the reasons of those that have no effect here."""
        states = _states(app)
        changed = [state.key for state in states if state.value != state.default]
        return SettingStates(settings=states, changed=changed, without_effect=dict(REASONS))

    @router.patch("/settings", summary="Change settings")
    def change(changes: JsonObject) -> ChangedSettings:
        """Change the settings that are sent, all of them or, if one does not fit, none. Null is the default."""
        fields = app.settings.declared
        values = {
            key: fields[key].get_default(call_default_factory=True) if value is None and key in fields else value
            for key, value in changes.items()
        }
        return ChangedSettings(changed=list(change_settings(app, values)))

    @router.get("/settings/file", summary="The changed settings as a file")
    def file() -> Response:
        """A file with the settings that are not the default, which PATCH takes on another machine."""
        values = {state.key: state.value for state in _states(app) if state.value != state.default}
        text = json.dumps(values, ensure_ascii=False, indent=4)
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
        return Response(text, media_type="application/json", headers=headers)

    return router


def _states(app: Application) -> list[SettingState]:
    current = app.settings.current
    return [
        SettingState(
            key=key,
            label=str(field.title or key),
            section=section.title,
            default=field.get_default(call_default_factory=True),
            value=getattr(current, key),
            restart=isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("restart")),
        )
        for section in app.settings.sections
        for key, field in section.model_fields.items()
    ]
