"""metadata.ini: what an extension is called, what it needs, and what it is to be loaded before or after."""

from __future__ import annotations

import configparser
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """`name` is how others refer to the extension. Names are in small letters.

    `before` and `after` are what all its scripts are to be loaded before or after; those of single files stand under
    their names in `files_before` and `files_after`.
    """

    name: str
    requires: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    files_before: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    files_after: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def read_metadata(root: Path) -> Metadata:
    """The metadata of the extension in a folder; its folder's name where the file says nothing or cannot be read."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    file = root / "metadata.ini"
    try:
        if file.is_file():
            parser.read_string(file.read_text(encoding="utf-8-sig"))
    except (configparser.Error, OSError, UnicodeError) as error:
        log.warning("%s cannot be read and is left out: %s", file, error)
        parser.clear()
    values: dict[str, dict[str, str]] = {name.lower(): dict(parser[name]) for name in parser.sections()}
    own = values.get("extension", {})
    general = [values.get(name, {}) for name in ("extension", "scripts")]
    single = {name.split("/", 1)[1]: part for name, part in values.items() if name.startswith("scripts/")}
    return Metadata(
        name=(own.get("name") or root.name).strip().lower(),
        requires=_names(own.get("requires", "")),
        before=tuple(name for part in general for name in _names(part.get("before", ""))),
        after=tuple(name for part in general for name in _names(part.get("after", ""))),
        files_before={name: _names(part.get("before", "")) for name, part in single.items()},
        files_after={name: _names(part.get("after", "")) for name, part in single.items()},
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.lower() for name in re.split(r"[,\s]+", text) if name)
