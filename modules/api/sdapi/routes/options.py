"""The options (settings) and the command line's flags."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from modules.api.body import readable
from modules.api.generation.requests import check_formats
from modules.api.sdapi.settings_schemas import flags_schema, options_schema
from modules.application.application import Application
from modules.foundation.errors import SettingsError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.settings.flags import SECRET_FLAGS
from modules.settings.known_options import check_kind, check_sizes, shown_options
from modules.settings.legacy_flags import KNOWN_DEFAULTS

DERIVED = ("sd_checkpoint_hash",)
"""Keys of the answer that follow from others; a client that sends the whole object back does not mean them."""


def routes(app: Application) -> APIRouter:
    """GET and POST options, GET cmd-flags."""
    router = APIRouter(prefix="/sdapi/v1", tags=["settings"])

    @router.get(
        "/options", responses=options_schema(app.settings.declared), response_model=None, summary="All settings"
    )
    def options() -> JsonObject:
        """Every setting by its key, also those that Easel does not act on but keeps."""
        return _shown(app)

    @router.post("/options", summary="Change settings")
    def change_options(changes: JsonObject) -> None:
        """Change the settings that are sent, all of them or, if one does not fit, none; they are saved at once.

        What GET answered can be sent back whole. A checkpoint may be given by title, name or hash; it is loaded as
        soon as nothing else runs.
        """
        meant = _meant(app, changes)
        app.policy.check_settings(meant, app.settings.current)
        check_sizes(meant, app.settings.current)
        check_formats(app.settings.current.changed(meant))
        app.settings.change(meant)

    @router.get("/cmd-flags", responses=flags_schema(), response_model=None, summary="The command line")
    def flags() -> JsonObject:
        """The flags that Easel was started with, folders as they came out; passwords are not shown."""
        return _flags(app)

    return router


def _shown(app: Application) -> JsonObject:
    values = shown_options(app.settings.current, app.paths.data)
    selected = app.selected_checkpoint
    values["sd_model_checkpoint"] = selected.title if selected else None
    values["sd_checkpoint_hash"] = (selected.sha256 if selected else None) or ""
    return values


def _meant(app: Application, changes: JsonMapping) -> JsonObject:
    """What a client means that may have sent back all of GET's answer: real changes, checkpoints by their titles."""
    shown = _shown(app)
    meant: JsonObject = {}
    for key, value in _readable(changes).items():
        if key in DERIVED or (value is None and shown.get(key) is not None):
            continue
        if key not in shown or value != shown[key] or isinstance(value, bool) != isinstance(shown[key], bool):
            check_kind(key, value, app.settings.declared)
            meant[key] = value
    if wanted := meant.get("sd_model_checkpoint"):
        info, selected = app.catalogue.find(str(wanted)), app.selected_checkpoint
        if selected is not None and selected.path == info.path:
            del meant["sd_model_checkpoint"]
        else:
            meant["sd_model_checkpoint"] = info.title
    return meant


def _readable(changes: JsonMapping) -> JsonObject:
    values: JsonObject = {}
    for key, value in changes.items():
        try:
            values[readable(key)] = readable(value)
        except ValueError as error:
            raise SettingsError(f"Setting {readable(key)!r} cannot be used: {error}") from error
    return values


def _flags(app: Application) -> JsonObject:
    flags, paths = app.flags, app.paths
    values = {name: _resolved(default, paths.models) for name, default in KNOWN_DEFAULTS.items()}
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


def _resolved(default: Any, models: Path) -> Any:
    return str(models / default.removeprefix("models/")) if str(default).startswith("models/") else default


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
