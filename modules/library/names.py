"""Names of model files as they are compared: written on another system, or by another program, they look different."""

from __future__ import annotations

import re
import unicodedata

_TITLE = re.compile(r"(.*\S)\s*\[([0-9a-fA-F]{8,64})\]", re.DOTALL)


def plain(name: str) -> str:
    """`name` in one of its spellings: Windows' separators as slashes, composed letters (NFC), no blanks around it.

    macOS hands out file names in decomposed form (NFD), which look the same and compare as different.
    """
    return unicodedata.normalize("NFC", name).replace("\\", "/").strip()


def folded(name: str) -> str:
    """`plain`, without regard to case."""
    return plain(name).casefold()


def split_title(title: str) -> tuple[str, str]:
    """A checkpoint's title, "name [hash]", as name and hash; the hash is empty where there is none.

    >>> split_title("sub/model.safetensors [0123456789]")
    ('sub/model.safetensors', '0123456789')
    """
    match = _TITLE.fullmatch(title.strip())
    return (match[1], match[2].casefold()) if match else (title.strip(), "")
