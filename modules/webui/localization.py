"""The page in other languages: A1111's files of translations, and what the browser is told of the chosen one.

A file is a JSON object from a text of the page to its translation, in `localizations/` of the data folder or of an
extension, or beside this module: those that come with the program have the generation panels. `en.json` there lists all
that can be translated (docs/texts.py writes it). The browser translates by itself (static/localization.js).
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
OWN_FOLDER = Path(__file__).parent / FOLDER
ENGLISH = "en"
"""The catalogue of all texts of the page, which is no translation."""


def translation_files(app: Application) -> dict[str, Path]:
    """The files by their name without suffix: the data folder's own, else those of extensions, else the program's."""
    extensions = (file for each in app.extensions.active for file in each.files(FOLDER, ".json"))
    own = (file for file in sorted(OWN_FOLDER.glob("*.json")) if file.stem != ENGLISH)
    found: dict[str, Path] = {}
    for file in (*sorted((app.paths.data / FOLDER).glob("*.json")), *extensions, *own):
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


def localization_tags(app: Application, base: str = STATIC_URL) -> str:
    """The tags that tell the page, whose scripts are at `base`, of the chosen language; none where none is chosen."""
    texts = translations(app)
    if not texts:
        return ""
    values = json.dumps(texts).replace("</", "<\\/")
    return (
        f"<script>window.localization = {values};</script>"
        f'<script type="module">import {{ translatePage }} from "./{base}/localization.js"; translatePage();'
        "</script>"
    )
