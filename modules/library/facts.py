"""What is known of one model file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

Stamp = tuple[int, int]
"""Size in bytes and modification time in nanoseconds: what tells a file from its earlier self."""

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file says of itself, by its header alone.

    `problem` tells why it cannot be used; the rest is mostly empty then. `alias` is the name that its author gave it,
    `told_hash` a hash that its header states, `old_hash` A1111's first, eight-digit one. `words` are further ones by
    which a search finds it, `details` a few small values that belong to its kind. `metadata` is the header's free text,
    which is not kept in memory.
    """

    family: str | None = None
    problem: str | None = None
    alias: str | None = None
    told_hash: str | None = None
    old_hash: str | None = None
    words: str | None = None
    details: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    metadata: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Facts as the index has them: for a file of this stamp, found by this version of its reader."""

    stamp: Stamp
    inode: int
    version: int
    facts: Facts


def stamp_of(path: Path | str) -> Stamp | None:
    """The stamp of a file as it is now, None where it is gone. A folder has that of its model_index.json."""
    return identity_of(path)[0]


def identity_of(path: Path | str) -> tuple[Stamp | None, int]:
    """The stamp of a file, and the number under which the file system knows it, which renaming does not change.

    None and 0 where it is gone.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - asked for each of thousands of files
        if stat.S_ISDIR(status.st_mode):
            status = os.stat(os.path.join(path, "model_index.json"))  # noqa: PTH116, PTH118
    except OSError:
        return None, 0
    # SQLite's integers have a sign; Windows' numbers use the last bit.
    return (status.st_size, status.st_mtime_ns), status.st_ino & (2**63 - 1)
