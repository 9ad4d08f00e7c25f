"""The user's styles, as the dropdown offers them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from modules.prompts.styles import Style, read_styles

if TYPE_CHECKING:
    from modules.application.application import Application

log = logging.getLogger(__name__)


def styles_of(app: Application) -> list[Style]:
    """The styles of all style files; a file that is not there or cannot be read gives none."""
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
