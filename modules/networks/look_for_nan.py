"""Whether a network's numbers are numbers, told from a few of them.

Training that went wrong leaves NaN nearly everywhere. Reading all of them waits until the network is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modules.checkpoints.tensors import Place

SAMPLES, SAMPLE = 8, 4096
"""Tensors, spread evenly over the file, and bytes that are read of each."""

SMALL = 1024 * 1024
"""Bytes; a file up to this size is read as a whole."""

EXPONENTS: Mapping[str, tuple[type[np.unsignedinteger], int]] = {
    "float32": (np.uint32, 0x7F800000),
    "float16": (np.uint16, 0x7C00),
    "bfloat16": (np.uint16, 0x7F80),
}
"""The bits of a number that are all set in NaN and infinity."""


def tensor_with_nan(path: Path, places: Mapping[str, Place]) -> str | None:
    """The name of a tensor in which a NaN or an infinity was seen, None where none was.

    Raises OSError as the file system does.
    """
    known = {name: place for name, place in places.items() if place.dtype in EXPONENTS and place.size}
    whole = sum(place.size for place in known.values()) <= SMALL
    names = sorted(known, key=lambda name: known[name].offset)
    chosen = names if whole else names[:: max(len(names) // SAMPLES, 1)]
    with path.open("rb") as file:
        for name in chosen:
            place = known[name]
            file.seek(place.offset)
            if _has_nan(file.read(place.size if whole else min(place.size, SAMPLE)), place.dtype):
                return name
    return None


def _has_nan(data: bytes, dtype: str) -> bool:
    kind, exponent = EXPONENTS[dtype]
    numbers = np.frombuffer(data, kind, count=len(data) // np.dtype(kind).itemsize)
    return bool(((numbers & kind(exponent)) == kind(exponent)).any())
