"""Bringing the dialect into a program that starts: the scripts that are part of it, and those of extensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.a1111.attachments import OWNER
from modules.a1111.dialect import A1111Dialect
from modules.a1111.javascript import mount_static
from modules.a1111.page import ScriptsOnPage
from modules.application.application import Application
from modules.hooks.events import PageEvent, PasteEvent

SCRIPTS = Path(__file__).parents[2] / "scripts"
"""The program's own scripts, which are loaded ahead of all extensions."""

BUILT_IN = "Easel's scripts"


def start_dialect(app: Application) -> A1111Dialect:
    """Load scripts, attach them and make them known to requests. Imports gradio, which scripts draw with."""
    dialect = A1111Dialect(app)
    host = app.extensions
    host.find()
    host.prepare()
    host.ask_versions()
    dialect.install({BUILT_IN: SCRIPTS}, host.active)

    def started(event: PageEvent) -> None:
        mount_static(event.api)
        dialect.shared.demo = event.page
        dialect.callbacks.call("app_started", event.page, event.api)

    def pasted(told: dict[str, Any], event: PasteEvent) -> dict[str, Any]:
        dialect.callbacks.call("infotext_pasted", event.text, told)
        return told

    app.hooks.app_started.attach(OWNER, started)
    app.hooks.infotext_pasted.attach(OWNER, pasted)
    if app.flags.nowebui:
        dialect.draw_offline()
    else:
        app.registries.page_guests.register(OWNER, ScriptsOnPage(dialect))
    return dialect
