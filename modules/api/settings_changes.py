"""Settings as clients read and change them: unknown keys are kept, a value that is there already means nothing."""

from __future__ import annotations

from modules.api.body import readable
from modules.api.generation.requests import check_formats
from modules.application.application import Application
from modules.foundation.errors import SettingsError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.settings.known_options import check_kind, check_sizes, shown_options

DERIVED = ("sd_checkpoint_hash",)
"""Keys of the answer that follow from others; a client that sends the whole object back does not mean them."""


def change_settings(app: Application, changes: JsonMapping) -> JsonObject:
    """Change settings, all of them or, where one does not fit, none. Gives what was really changed.

    Raises SettingsError naming the key whose value does not fit, and Forbidden for what a client may not change.
    """
    meant = _meant(app, changes)
    app.policy.check_settings(meant, app.settings.current)
    check_sizes(meant, app.settings.current)
    check_formats(app.settings.current.changed(meant))
    app.settings.change(meant)
    return meant


def shown_settings(app: Application) -> JsonObject:
    """Every setting by its key, also those that Easel does not act on but keeps."""
    values = shown_options(app.settings.current, app.paths.data)
    selected = app.selected_checkpoint
    values["sd_model_checkpoint"] = selected.title if selected else None
    values["sd_checkpoint_hash"] = (selected.sha256 if selected else None) or ""
    return values


def _meant(app: Application, changes: JsonMapping) -> JsonObject:
    """What a client means that may have sent back all of GET's answer: real changes, checkpoints by their titles."""
    shown = shown_settings(app)
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
