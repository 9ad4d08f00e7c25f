"""The settings that A1111's clients know, with the defaults they expect: Easel's own and those it only keeps.

A client that reads all settings, changes one and sends everything back must find each key it looks for. The list is
data (known_options.json, in A1111's order); what Easel acts on is declared in `sections/`, and a declaration wins.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.errors import SettingsError
from modules.foundation.plain import JsonMapping, JsonObject
from modules.settings.model import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

LONGEST_KEY = 200
"""Letters of the key of a setting that a client may have kept."""

LARGEST_VALUE = 65_536
"""Bytes of the JSON of one setting's value."""

MOST_OTHERS = 500
"""Keys that neither Easel nor A1111 knows, of extensions say, that are kept."""

FOLDERS: Mapping[str, str] = {
    "outdir_txt2img_samples": "outputs/txt2img-images",
    "outdir_img2img_samples": "outputs/img2img-images",
    "outdir_extras_samples": "outputs/extras-images",
    "outdir_txt2img_grids": "outputs/txt2img-grids",
    "outdir_img2img_grids": "outputs/img2img-grids",
    "outdir_save": "log/images",
    "outdir_init_images": "outputs/init-images",
}
"""Where in the data folder pictures go whose setting is empty."""


@functools.cache
def known_options() -> JsonMapping:
    """A1111's keys with their defaults. A folder's default is empty: it follows from the data folder."""
    text = Path(__file__).with_name("known_options.json").read_text(encoding="utf-8")
    options: JsonObject = json.loads(text)
    return options


def shown_options(settings: Settings, data: Path) -> JsonObject:
    """Every key with its value as a client sees it: A1111's keys in their order, then the others.

    Folders that are not set are shown as the places below `data` that they stand for.
    """
    values = settings.model_dump()
    shown = {key: values.pop(key, default) for key, default in known_options().items()} | values
    for key, folder in FOLDERS.items():
        shown[key] = shown[key] or str(data / folder)
    return shown


def check_sizes(changes: JsonMapping, current: Settings) -> None:
    """Raise SettingsError for changes that would make the settings file grow beyond all reason."""
    for key, value in changes.items():
        if len(key) > LONGEST_KEY:
            raise SettingsError(f"A setting's key has at most {LONGEST_KEY} letters; {key[:40]!r}... has {len(key)}.")
        if (size := len(json.dumps(value, default=str))) > LARGEST_VALUE:
            raise SettingsError(f"Setting {key!r} takes at most {LARGEST_VALUE:,} bytes; this has {size:,}.")
    kept = {key for key in {*current.model_dump(), *changes} if key not in type(current).model_fields}
    if len(others := kept - known_options().keys()) > MOST_OTHERS:
        raise SettingsError(
            f"At most {MOST_OTHERS} settings are kept that Easel does not know; these would be {len(others)}. Remove "
            "some from the settings file."
        )


def check_kind(key: str, value: object, declared: Mapping[str, FieldInfo] = Settings.model_fields) -> None:
    """Raise SettingsError where `value` is of another kind than A1111's default, for keys that are only kept.

    Those that Easel declares are checked by their declaration; of them only true and false for numbers are refused
    here, which Python would take for 1 and 0.
    """
    default = declared[key].default if key in declared else known_options().get(key)
    if default is None or value is None:
        return
    if key in declared:
        fits = not (isinstance(value, bool) and _kind(default) == "a number")
    else:
        fits = _kind(value) == _kind(default)
    if not fits:
        raise SettingsError(f"Setting {key!r} cannot be {value!r}: it must be {_kind(default)}.")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"
