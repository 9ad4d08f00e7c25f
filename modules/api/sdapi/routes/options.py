"""The options (settings) and the command line's flags."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from modules.api.sdapi.settings_schemas import flags_schema, options_schema
from modules.api.settings_changes import change_settings, shown_settings
from modules.application.application import Application
from modules.foundation.plain import JsonObject
from modules.settings.flags import SECRET_FLAGS
from modules.settings.legacy_flags import KNOWN_DEFAULTS


def routes(app: Application) -> APIRouter:
    """GET and POST options, GET cmd-flags."""
    router = APIRouter(prefix="/sdapi/v1", tags=["settings"])

    @router.get(
        "/options", responses=options_schema(app.settings.declared), response_model=None, summary="All settings"
    )
    def options() -> JsonObject:
        """Every setting by its key, also those that Easel does not act on but keeps."""
        return shown_settings(app)

    @router.post("/options", summary="Change settings")
    def change_options(changes: JsonObject) -> None:
        """Change the settings that are sent, all of them or, if one does not fit, none; they are saved at once.

        What GET answered can be sent back whole. A checkpoint may be given by title, name or hash; it is loaded as
        soon as nothing else runs.
        """
        change_settings(app, changes)

    @router.get("/cmd-flags", responses=flags_schema(), response_model=None, summary="The command line")
    def flags() -> JsonObject:
        """The flags that Easel was started with, folders as they came out; passwords are not shown."""
        return _flags(app)

    return router


def _flags(app: Application) -> JsonObject:
    flags, paths = app.flags, app.paths
    values = {**KNOWN_DEFAULTS}
    values |= {field.name: _plain(getattr(flags, field.name)) for field in dataclasses.fields(flags)}
    values |= {
        "data_dir": str(paths.data),
        "models_dir": str(paths.models),
        "embeddings_dir": str(paths.embeddings),
        "hypernetwork_dir": str(paths.hypernetworks),
        "lora_dir": str(paths.lora),
        "lyco_dir_backcompat": str(paths.lycoris),
        "ui_config_file": str(paths.ui_config_file),
        "ui_settings_file": str(paths.settings_file),
        "gfpgan_models_path": str(paths.gfpgan_folders[0]),
        "gfpgan_dir": str(paths.gfpgan_folders[1]),
        "codeformer_models_path": str(paths.codeformer),
        **{f"{name.lower()}_models_path": str(path) for name, path in paths.upscaler_folders.items()},
        "styles_file": [str(path) for path in paths.styles_files],
    }
    return {name: "set" if name in SECRET_FLAGS and value else value for name, value in values.items()}


def _plain(value: object) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
