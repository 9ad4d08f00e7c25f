"""Whether a model file can be what its name says, told from its first bytes and its directory, without torch."""

from __future__ import annotations

import zipfile
from pathlib import Path

from modules.checkpoints.safetensors_header import read_header
from modules.foundation.errors import CheckpointError
from modules.foundation.text_files import open_file

LEGACY_PICKLE = b"\x80"
"""First byte of what torch wrote before its files were zip archives."""


def problem_of(path: Path) -> str | None:
    """Why `path` cannot be a model, as a sentence for people; None where nothing speaks against it.

    A file that passes may still turn out to hold another kind of model when it is loaded.
    """
    try:
        if path.suffix.casefold() == ".safetensors":
            read_header(path)
            return None
        with open_file(path) as file:
            start = file.read(64)
        return _problem_of_pickle(path, start)
    except CheckpointError as error:
        return str(error)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."


def _problem_of_pickle(path: Path, start: bytes) -> str | None:
    if not start:
        return f"{path} is empty; download or copy it again."
    if start.startswith(b"version https://git-lfs"):
        return f"{path} is only a pointer of Git LFS to the model; download the file itself."
    if start.lstrip()[:1] == b"<":
        return f"{path} is a web page, not a model; download the file itself."
    if start.startswith(b"PK"):
        return _problem_of_archive(path)
    if not start.startswith(LEGACY_PICKLE):
        return f"{path} is not a usable model file: it does not begin like one."
    return None


def _problem_of_archive(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return f"{path} is cut off or damaged; download or copy it again."
    if any("/code/" in name for name in names):
        return f"{path} is a TorchScript program, and a model file must not run code. Use a .pth of its weights."
    if not any(name.endswith("data.pkl") for name in names):
        return f"{path} is a zip archive, but not of a model; unpack it first."
    return None
