"""The page in other languages: A1111's files of translations, and what the browser is told of the chosen one.

A file is a JSON object from a text of the page to its translation, in `localizations/` of the data folder or of an
extension. The browser translates by itself (static/localization.js).
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from modules.foundation.json_text import parse_json
from modules.foundation.text_files import read_text
from modules.webui.assets import STATIC_URL

if TYPE_CHECKING:
    from modules.application.application import Application

log = logging.getLogger(__name__)

NO_TRANSLATION = "None"
FOLDER = "localizations"


def translation_files(app: Application) -> dict[str, Path]:
    """The files by their name without suffix; the data folder's own come before those of extensions."""
    extensions = (file for each in app.extensions.active for file in each.files(FOLDER, ".json"))
    found: dict[str, Path] = {}
    for file in (*sorted((app.paths.data / FOLDER).glob("*.json")), *extensions):
        found.setdefault(file.stem, file)
    return found


def translations(app: Application) -> dict[str, str | bool]:
    """The texts of the chosen language; none where none is chosen, or its file cannot be read, which is logged."""
    chosen = app.settings.current.localization
    if chosen in ("", NO_TRANSLATION):
        return {}
    file = translation_files(app).get(chosen)
    if file is None:
        log.warning("The localization %r is not among the files in %s.", chosen, app.paths.data / FOLDER)
        return {}
    try:
        texts = parse_json(read_text(file))
        if not isinstance(texts, dict):
            raise ValueError("it is no object of texts")
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s. The page stays as it is.", file, error)
        return {}
    return {str(text): each for text, each in texts.items() if isinstance(each, str | bool)}


def localization_tags(app: Application) -> str:
    """The tags that tell the page of the chosen language; none where none is chosen."""
    texts = translations(app)
    if not texts:
        return ""
    values = json.dumps(texts).replace("</", "<\\/")
    return (
        f"<script>window.localization = {values};</script>"
        f'<script type="module">import {{ translatePage }} from "./{STATIC_URL}/localization.js"; translatePage();'
        "</script>"
    )
