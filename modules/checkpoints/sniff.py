"""The type of a file by its first bytes, regardless of its name."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Literal

from modules.foundation.text_files import open_file

Content = Literal["safetensors", "torch", "gguf", "web page", "git lfs pointer", "text", "empty", "unknown"]

LONGEST = 512

MEANING = {
    "gguf": "it is a GGUF file, which Easel does not read",
    "web page": "it is a web page: the download got an error or a login page instead of the file",
    "git lfs pointer": "it is a Git LFS pointer that stands for the file; fetch the file itself with git lfs pull",
    "text": "it is a text file",
    "empty": "it is empty; download or copy it again",
}


def sniff(path: Path) -> Content:
    """What the file holds. Raises OSError as the file system does."""
    with open_file(path) as file:
        begin = file.read(LONGEST)
    if not begin:
        return "empty"
    # Looked for first: the length with which a safetensors file begins may look like the first bytes of a pickle.
    if len(begin) > 8 and struct.unpack("<Q", begin[:8])[0] < 2**40 and begin[8:9] == b"{":
        return "safetensors"
    if begin.startswith(b"PK\x03\x04") or (begin[0] == 0x80 and len(begin) > 1 and begin[1] <= 5):
        return "torch"
    if begin.startswith(b"GGUF"):
        return "gguf"
    return _text(begin)


def _text(begin: bytes) -> Content:
    words = begin.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if words.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "web page"
    if words.startswith(b"version https://git-lfs"):
        return "git lfs pointer"
    return "text" if all(byte >= 32 or byte in b"\r\n\t\f" for byte in begin) and _is_utf8(begin) else "unknown"


def _is_utf8(begin: bytes) -> bool:
    try:
        begin[:-4].decode()
    except UnicodeDecodeError:
        return False
    return True


def mismatch(path: Path, expected: Content) -> str | None:
    """Why a file cannot be what its suffix promises, as a clause; None where its beginning looks right or unknown."""
    found = sniff(path)
    if found in MEANING:
        return MEANING[found]
    if found == "torch" and expected == "safetensors":
        return f"it is a torch file; rename it to {path.with_suffix('.ckpt').name}"
    if found == "safetensors" and expected == "torch":
        return f"it is a safetensors file; rename it to {path.with_suffix('.safetensors').name}"
    return None
