"""Bringing the dialect into a program that starts: the scripts that are part of it, and those of extensions."""

from __future__ import annotations

import os
import sys

from modules.a1111.current import OWNER
from modules.a1111.dialect import A1111Dialect
from modules.a1111.install_process import COMMAND
from modules.a1111.javascript import mount_static
from modules.a1111.launching import use_installer
from modules.a1111.page import ScriptsOnPage
from modules.a1111.registered_scripts import SCRIPTS
from modules.application.application import Application

BUILT_IN = "Easel's scripts"


def start_dialect(app: Application) -> A1111Dialect:
    """Load scripts, attach them and make them known to requests. Imports gradio, which scripts draw with."""
    dialect = A1111Dialect(app)
    host = app.extensions
    host.install_command = COMMAND
    host.find()
    if host.active:
        _settle_in(app)
    host.prepare()
    host.ask_versions()
    if host.active and not app.paths.settings_file.exists():
        # Extensions read the file itself.
        app.settings.save()
    use_installer(host.environment)
    dialect.install({BUILT_IN: SCRIPTS}, host.active)
    app.hooks.app_started.attach(OWNER, lambda event: mount_static(event.api))
    if app.flags.nowebui:
        dialect.draw_offline()
    else:
        app.registries.page_guests.register(OWNER, ScriptsOnPage(dialect))
    return dialect


def _settle_in(app: Application) -> None:
    """Work in the data folder, as extensions expect it: they open files below it by relative paths."""
    os.chdir(app.paths.data)
    if str(app.paths.data) not in sys.path:
        sys.path.append(str(app.paths.data))  # for `import extensions.NAME.module`
    (app.paths.data / "localizations").mkdir(exist_ok=True)
