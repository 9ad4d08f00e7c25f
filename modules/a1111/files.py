"""Small helpers on files and names that `modules.shared` and `modules.util` hold."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

NAMES = ("natural_sort_key", "listfiles", "html_path", "html", "walk_files", "walk_image_files", "ldm_print")
"""What `modules.shared` has of them as well."""


def natural_sort_key(s: str, regex: re.Pattern[str] = re.compile("([0-9]+)")) -> list[Any]:
    """A key by which "a10" comes after "a9"."""
    return [int(text) if text.isdigit() else text.lower() for text in regex.split(s)]


def listfiles(dirname: str) -> list[str]:
    """The files of a folder, sorted, without hidden ones and folders."""
    found = sorted((str(path) for path in Path(dirname).iterdir()), key=natural_sort_key)
    return [path for path in found if not Path(path).name.startswith(".") and Path(path).is_file()]


def html_path(filename: str) -> str:
    """The path of a file of the program's `html` folder."""
    from modules.a1111.places import place

    return str(Path(place("script_path")) / "html" / filename)


def html(filename: str) -> str:
    """The text of such a file; nothing where there is none."""
    path = Path(html_path(filename))
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def walk_files(path: str, allowed_extensions: Sequence[str] | None = None) -> Iterator[str]:
    """The files below a folder, sorted, those in hidden folders where the settings want them listed."""
    from modules.a1111.current import current

    hidden = current().shared.opts.list_hidden_files
    for root, _, files in sorted(os.walk(path, followlinks=True), key=lambda each: natural_sort_key(each[0])):
        if not hidden and any(part.startswith(".") for part in Path(root).relative_to(path).parts):
            continue
        for name in sorted(files, key=natural_sort_key):
            if allowed_extensions is None or Path(name).suffix.lower() in allowed_extensions:
                yield str(Path(root) / name)


def walk_image_files(path: str, allowed_extensions: Sequence[str] | None = None) -> Iterator[str]:
    """The same for pictures alone."""
    yield from walk_files(path, allowed_extensions or (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif"))


def open_folder(path: str | None = None) -> None:
    """Nothing: the program opens no windows on the machine that it runs on."""


def ldm_print(*args: object, **kwargs: object) -> None:
    """Nothing: what the original's networks print is not wanted."""


def truncate_path(target_path: str, base_path: str = "") -> str:
    """A path relative to a folder where it is below it."""
    target, base = Path(target_path).absolute(), Path(base_path).absolute()
    return str(target.relative_to(base)) if base_path and target.is_relative_to(base) else str(target_path)
