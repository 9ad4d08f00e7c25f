"""What people keep beside a model file: a picture, a description, and notes in a .json."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonMapping, JsonObject
from modules.foundation.text_files import decode_text, open_file

log = logging.getLogger(__name__)

PREVIEW_TYPES: Mapping[str, str] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".jxl": "image/jxl",
}
PREVIEW_SUFFIXES = tuple(PREVIEW_TYPES)
"""In the order in which they are looked for; "name.png" goes before "name.preview.png"."""

MODEL_SUFFIXES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin", *PREVIEW_SUFFIXES})
DESCRIPTIONS = (".txt", ".description.txt")
MAX_TEXT = 1_000_000
"""Bytes that are read of a description or of notes."""

USER_KEYS = ("description", "sd version", "activation text", "preferred weight", "negative text", "notes", "vae")
"""The customary keys of name.json."""


@dataclass(slots=True)
class Sidecars:
    """What lies beside one model file, by the names of the files; "" for none."""

    folder: str
    pictures: list[str] = field(default_factory=list[str])
    texts: list[str] = field(default_factory=list[str])
    notes_file: str = ""

    def preview_of(self, own: str) -> str | None:
        """The path of the picture that goes before the others; `own` is the model file itself, which may be one."""
        names = sorted((name for name in self.pictures if name != own), key=_preview_rank)
        return os.path.join(self.folder, names[0]) if names else None  # noqa: PTH118

    def description(self) -> str:
        """The description in the shortest-named text file beside the model; "" without one."""
        for name in sorted(self.texts, key=len):
            if (text := _text(Path(self.folder, name))) is not None:
                return text
        return ""

    def notes(self) -> JsonMapping:
        """The content of the .json file beside the model; empty without one."""
        return _notes_in(Path(self.folder, self.notes_file)) if self.notes_file else {}


def sidecars_of(folder: str, names: Collection[str]) -> dict[str, Sidecars]:
    """What lies in a folder beside model files, by what the names have in common: one look at each of `names`."""
    found: dict[str, Sidecars] = {}
    for name in names:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
        if suffix in PREVIEW_TYPES:
            found.setdefault(stem.removesuffix(".preview"), Sidecars(folder)).pictures.append(name)
            if stem.endswith(".preview"):
                found.setdefault(stem, Sidecars(folder)).pictures.append(name)
        elif suffix == ".txt":
            found.setdefault(stem.removesuffix(".description"), Sidecars(folder)).texts.append(name)
        elif suffix == ".json":
            found.setdefault(stem, Sidecars(folder)).notes_file = name
    return found


def _preview_rank(name: str) -> tuple[int, bool]:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    return PREVIEW_SUFFIXES.index(suffix), stem.endswith(".preview")


def stem_of(path: str) -> str:
    """The path without the suffix, which the files beside it have in common; a folder's is its own path."""
    stem, suffix = os.path.splitext(path)  # noqa: PTH122 - strings throughout: this runs for each of thousands
    return stem if suffix.lower() in MODEL_SUFFIXES else path


def preview_of(path: str, names: Collection[str]) -> str | None:
    """The picture of a model file; `names` are those of the files in its folder."""
    folder, stem = os.path.split(stem_of(path))
    own = os.path.basename(path)  # noqa: PTH119
    for suffix in PREVIEW_SUFFIXES:
        for name in (stem + suffix, stem + ".preview" + suffix):
            # An embedding may be a picture itself.
            if name in names and name != own:
                return os.path.join(folder, name)  # noqa: PTH118
    return None


def is_preview_name(name: str) -> bool:
    """Whether a file of this name may be served as a picture."""
    return name.lower().endswith(PREVIEW_SUFFIXES)


def description_of(path: str, names: Collection[str]) -> str | None:
    """The text of name.txt or name.description.txt."""
    folder, stem = os.path.split(stem_of(path))
    for suffix in DESCRIPTIONS:
        if stem + suffix in names and (text := _text(Path(folder, stem + suffix))) is not None:
            return text
    return None


def user_metadata_of(path: str) -> JsonMapping:
    """What name.json says; empty where there is none. One that is damaged is named in a warning."""
    return _notes_in(Path(stem_of(path) + ".json"))


def _notes_in(sidecar: Path) -> JsonMapping:
    text = _text(sidecar)
    if text is None:
        return {}
    try:
        content = parse_json(text)
    except ValueError as error:
        log.warning("%s is not used: it is no JSON (%s)", sidecar, error)
        return {}
    return cast("JsonObject", content) if isinstance(content, dict) else {}


def _text(path: Path) -> str | None:
    try:
        with open_file(path) as file:
            return decode_text(file.read(MAX_TEXT))[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s cannot be read: %s", path, error)
        return None
