"""Write the English catalogue of the page, all that there is to translate: `python -m docs.texts`.

It is `modules/webui/localizations/en.json`, a text and itself, in A1111's format: a copy of it is a translation to be
made. Read off the page as it is built, and off its scripts.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "modules" / "webui" / "localizations" / "en.json"

ATTRIBUTES = ("title", "placeholder", "aria-label")
LEFT_ALONE = ("style", "script", "svg", "code", "pre")
OF_BUTTON_GROUPS = ("radio", "checkboxgroup")
IN_MARKUP = re.compile(r'(?:title|placeholder|aria-label)="([^"$]+)"|<(?:b|span|p|label)>([^<>{}$]+)<')
QUOTED = re.compile(r'"((?:[^"\\\n]|\\")+)"')
SENTENCE = re.compile(r"[A-Z][\w'()/:,-]*…?(?: [^<>{}=]+[\w.…)!?])?")
KEYS = frozenset({"Alt", "Backspace", "Control", "Delete", "End", "Enter", "Escape", "Home", "Meta", "Shift", "Tab"})
"""Words of scripts that begin like a text of the page and are the names of keys, or of the web."""

LETTERS = re.compile(r"[^\W\d_]{2}")
NO_WORDS = re.compile(r"\d+\.\d+\.\d+|\.safetensors|[A-Z]?[a-z0-9]+[_A-Z]\w*|[A-Z]+$|\w+-\w+$|#")
"""What is a version, the name of a file, of a setting or of something in a script."""


class _Texts(HTMLParser):
    """What HTML shows of text, also in tooltips."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes that are shown."""
        self._inside += tag in LEFT_ALONE
        self.found += [value for name, value in attrs if name in ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        """Be outside again."""
        self._inside -= tag in LEFT_ALONE

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if not self._inside:
            self.found.append(data)


def texts_of_page(blocks: list[Any]) -> Iterator[str]:
    """The texts of components: labels, hints, buttons, choices of buttons, and what their HTML shows."""
    for block in blocks:
        for name in ("label", "placeholder", "info"):
            yield from _text(getattr(block, name, None))
        kind = block.get_block_name()
        if kind == "button":
            yield from _text(block.value)
        elif kind in OF_BUTTON_GROUPS:
            yield from (text for shown, _ in block.choices or () for text in _text(shown))
        elif kind == "html" and isinstance(block.value, str):
            parser = _Texts()
            parser.feed(block.value)
            yield from parser.found


def _text(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value


def texts_of_scripts(folder: Path) -> Iterator[str]:
    """The sentences and labels in the scripts of the page."""
    for file in sorted(folder.rglob("*.js")):
        text = "\n".join(line for line in file.read_text(encoding="utf-8").split("\n") if not is_comment(line))
        yield from (shown for pair in IN_MARKUP.findall(text) for shown in pair if shown)
        yield from (each for each in QUOTED.findall(text) if SENTENCE.fullmatch(each) and each not in KEYS)


def is_comment(line: str) -> bool:
    """Whether a line of JavaScript says something to its readers alone."""
    return line.lstrip().startswith(("//", "*", "/*"))


def catalogue(blocks: list[Any]) -> dict[str, str]:
    """Every text of the page, in the order of the page, and itself."""
    from modules.webui.assets import STATIC_FOLDER

    found = (each.strip() for each in (*texts_of_page(blocks), *texts_of_scripts(STATIC_FOLDER)))
    return {each: each for each in found if LETTERS.search(each) and not NO_WORDS.match(each)}


def built_blocks() -> list[Any]:
    """The components of a page with the scripts that come with the program."""
    from modules.a1111.start import start_dialect
    from modules.application.application import Application
    from modules.settings.flags import parse_flags
    from modules.webui.page import build_page

    async def build(app: Application) -> list[Any]:
        return list(build_page(app)[0].blocks.values())

    with tempfile.TemporaryDirectory() as folder:
        app = Application(parse_flags(["--data-dir", folder, "--use-cpu", "all"]))
        start_dialect(app)
        try:
            return [block for block in asyncio.run(build(app)) if folder not in str(getattr(block, "placeholder", ""))]
        finally:
            app.close()


def main() -> None:
    """Write the catalogue."""
    text = json.dumps(catalogue(built_blocks()), ensure_ascii=False, indent=4)
    CATALOGUE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
