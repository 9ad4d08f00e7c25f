"""The user's styles, as the API lists them and looks for them in an infotext."""

from __future__ import annotations

import logging

from modules.application.application import Application
from modules.prompts.styles import Style, read_styles

log = logging.getLogger(__name__)


def styles_of(app: Application) -> list[Style]:
    """The styles of all style files, later files first in what they redefine; unreadable files give none."""
    found: dict[str, Style] = {}
    for path in app.paths.styles_files:
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("The styles in %s cannot be read: %s.", path, error.strerror)
            continue
        found |= {style.name: style for style in read_styles(text)}
    return list(found.values())
