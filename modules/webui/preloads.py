"""Which scripts and style sheets the page will need, told to the browser in its head.

A browser finds out one level of imports at a time, six levels deep: each waits for the one above. Told at once, it has
them by the time it asks. Gradio's scripts say what they will fetch (`__vite__mapDeps`); where an installed Gradio says
it in another form, nothing is told and the page comes a little later.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

_LATER = re.compile(r"import\(`\./([^`]+)`\)[^,]{0,40},__vite__mapDeps\(\[([\d,]*)\]\)")
_NAMES = re.compile(r"m\.f=\[([^\]]*)\]")
_COMPONENT = re.compile(r"(?<=[{,])(\w+):\{(?:\w+:\(\)=>[^{}]*?,)?component:\(\)=>\w+\(\(\)=>import\(`\./([^`]+)`\)")
_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*?["'](\.{1,2}/[^"']+\.js)["']""", re.MULTILINE)


def gradio_files(assets: Path, kinds: Collection[str]) -> list[str]:
    """The names of Gradio's files in `assets` that a page with these kinds of components fetches, in order."""
    found: dict[str, None] = {}
    for index in assets.glob("index-*.js"):
        for entry, names in _fetched_later(index):
            found.update(dict.fromkeys(names))
            if entry.startswith("Index-") and (assets / entry).is_file():
                pages = [below for name, below in _fetched_later(assets / entry) if name.startswith("Blocks-")]
                found.update(dict.fromkeys(name for below in pages for name in below))
    for core in assets.glob("core-*.js"):
        scripts = {script for kind, script in _COMPONENT.findall(_text(core)) if kind in kinds}
        for entry, names in _fetched_later(core):
            if entry in scripts:
                found.update(dict.fromkeys(names))
    return [name for name in found if not name.startswith("index-")]


def own_files(folder: Path, first: str = "main.js") -> list[str]:
    """The scripts in `folder` that `first` imports, directly or not, and itself."""
    found, following = {first: None}, [first]
    for name in following:
        place = (folder / name).parent
        for other in _IMPORT.findall(_text(folder / name)):
            path = (place / other).resolve().relative_to(folder.resolve()).as_posix()
            if path not in found:
                found[path] = None
                following.append(path)
    return list(found)


def preload_tags(addresses: Collection[str]) -> str:
    """The tags that tell a browser to fetch these scripts and style sheets now."""
    scripts = (each for each in addresses if each.endswith(".js"))
    sheets = (each for each in addresses if each.endswith(".css"))
    return "".join(
        [f'<link rel="modulepreload" href="{each}">' for each in scripts]
        + [f'<link rel="preload" as="style" crossorigin href="{each}">' for each in sheets]
    )


def _fetched_later(script: Path) -> Iterator[tuple[str, list[str]]]:
    """What a script imports when it comes to it, each with all the files that go with it."""
    text = _text(script)
    listed = _NAMES.search(text)
    names = [each.strip('"').removeprefix("./") for each in listed[1].split(",")] if listed else []
    for entry, numbers in _LATER.findall(text):
        places = [int(each) for each in numbers.split(",") if each]
        yield entry, [names[place] for place in places if place < len(names)]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
