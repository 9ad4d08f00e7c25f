"""Whether a network's numbers are numbers, told from a few of them.

Training that went wrong leaves NaN nearly everywhere. Reading all of them waits until the network is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from modules.checkpoints.safetensors_header import TensorPlace

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


def tensor_with_nan(path: Path, places: Mapping[str, TensorPlace]) -> str | None:
    """The name of a tensor in which a NaN or an infinity was seen, None where none was.

    Raises OSError as the file system does.
    """
    known = sorted(
        ((name, place) for name, place in places.items() if place.dtype in EXPONENTS and place.size),
        key=lambda each: each[1].offset,
    )
    with path.open("rb") as file:
        if sum(place.size for _, place in known) <= SMALL:
            return _first_with_nan(file, known)
        for name, place in known[:: max(len(known) // SAMPLES, 1)]:
            file.seek(place.offset)
            if _has_nan(file.read(min(place.size, SAMPLE)), place.dtype):
                return name
    return None


def _first_with_nan(file: IO[bytes], known: Sequence[tuple[str, TensorPlace]]) -> str | None:
    """The first of all tensors with one. Neighbours of one type are looked at together: most files have hundreds."""
    start = 0
    while start < len(known):
        end = start + 1
        while end < len(known) and _follows(known[end - 1][1], known[end][1]):
            end += 1
        first, last = known[start][1], known[end - 1][1]
        file.seek(first.offset)
        data = file.read(last.offset + last.size - first.offset)
        if _has_nan(data, first.dtype):
            for name, place in known[start:end]:
                begin = place.offset - first.offset
                if _has_nan(data[begin : begin + place.size], place.dtype):
                    return name
        start = end
    return None


def _follows(before: TensorPlace, after: TensorPlace) -> bool:
    return before.dtype == after.dtype and before.offset + before.size == after.offset


def _has_nan(data: bytes, dtype: str) -> bool:
    kind, exponent = EXPONENTS[dtype]
    numbers = np.frombuffer(data, kind, count=len(data) // np.dtype(kind).itemsize)
    return bool(((numbers & kind(exponent)) == kind(exponent)).any())
