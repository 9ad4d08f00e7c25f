"""JavaScript and style sheets of extensions: what goes into the head of the page for them."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from modules.extension_host.extension import Extension

if TYPE_CHECKING:
    from fastapi import FastAPI

    from modules.application.application import Application

STATIC = Path(__file__).parent / "static"
ADDRESS = "easel/a1111"
RUNTIME = ("runtime.js", "old_page.js")


def extension_tags(app: Application) -> str:
    """The tags for every extension in use; none at all where none brings scripts, styles or controls."""
    active = app.extensions.active
    if not active:
        return ""
    return (
        f"<script>window.opts = {_options(app)}; window.localization = window.localization || {{}};</script>"
        + "".join(f'<script src="{ADDRESS}/{name}"></script>' for name in RUNTIME)
        + "".join(_styles(active, app.paths.data))
        + "".join(_scripts(active, app.paths.data))
    )


def _options(app: Application) -> str:
    values = app.settings.current.model_dump(mode="json")
    chosen = app.selected_checkpoint
    if not values["sd_model_checkpoint"] and chosen is not None:
        values["sd_model_checkpoint"] = chosen.title
    values["sd_checkpoint_hash"] = (chosen.sha256 if chosen else None) or ""
    # "</" inside a script element would end it.
    return json.dumps(values).replace("</", "<\\/")


def _styles(extensions: Iterable[Extension], data: Path) -> Iterable[str]:
    for extension in extensions:
        if (style := extension.root / "style.css").is_file():
            yield f'<link rel="stylesheet" href="{file_address(style, data)}">'


def _scripts(extensions: Iterable[Extension], data: Path) -> Iterable[str]:
    for extension in extensions:
        for file in extension.files("javascript", ".js"):
            yield f'<script src="{file_address(file, data)}"></script>'
        for file in extension.files("javascript", ".mjs"):
            yield f'<script type="module" src="{file_address(file, data)}"></script>'


def file_address(file: Path, data: Path) -> str:
    """The address of a file, relative to the data folder where it lies in it; another for each state of the file."""
    shown = os.path.relpath(file, data) if file.is_relative_to(data) else str(file)
    return html.escape(f"file={quote(shown.replace(os.sep, '/'))}?{file.stat().st_mtime_ns}")


def mount_static(api: FastAPI) -> None:
    """Serve the runtime."""
    from starlette.staticfiles import StaticFiles

    api.mount(f"/{ADDRESS}", StaticFiles(directory=STATIC))
