"""The header of a safetensors file: names, shapes, types and places of its tensors, and free text.

The header is a stranger's text. Everything that is used later is checked here, once: a header that passes has sound
names, shapes of plain numbers, and places that lie in the file and do not overlap.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard, cast

from modules.foundation.errors import CheckpointError
from modules.foundation.json_text import parse_json
from modules.foundation.plain import JsonObject
from modules.foundation.text_files import open_file

MAX_HEADER = 100_000_000
"""Bytes; the safetensors format's own limit."""

MAX_TENSORS = 100_000
"""The largest checkpoints have a few thousand."""

MAX_COMMAS = 5_000_000
"""In a header with its free text; it bounds the time that reading takes. Trainers' tables of tags have thousands."""

MAX_SIDES = 32
"""Sides of a shape; models use up to five."""

MAX_NAME = 1000
"""Characters of a tensor's name."""

Shapes = Mapping[str, tuple[int, ...]]

TYPES: Mapping[str, tuple[str, int]] = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U64": ("uint64", 8),
    "U32": ("uint32", 4),
    "U16": ("uint16", 2),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
"""The number types of the safetensors format: torch's name, bytes of one number."""


@dataclass(frozen=True, kw_only=True)
class TensorPlace:
    """Where a tensor's numbers are in a file, in order: bytes from the file's beginning, torch's name of the type."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a safetensors file says of itself: each tensor's shape and place, and free text."""

    shapes: Shapes
    metadata: Mapping[str, str]
    places: Mapping[str, TensorPlace]


def read_header(path: Path) -> Header:
    """Names, shapes and metadata of a safetensors file, without reading a tensor.

    Raises CheckpointError, naming the file and the reason, for anything that is not a whole safetensors file.
    """
    try:
        size = path.stat().st_size
        with open_file(path) as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise broken(path, "it does not begin like a safetensors file (is it another format, or cut off?)")
            text = file.read(length)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    # Counted before it is unpacked: a hundred megabytes of brackets would become gigabytes of lists.
    if text.count(b"{") + text.count(b"[") > 4 * MAX_TENSORS or text.count(b",") > MAX_COMMAS:
        raise broken(path, "its header has more entries than any model has")
    try:
        entries = parse_json(text)
    except ValueError as error:
        raise broken(path, f"its header is no JSON that can be read: {error}") from error
    if not isinstance(entries, dict):
        raise broken(path, "its header is not a table of tensors")
    return _checked(path, cast("JsonObject", entries), 8 + length, size - 8 - length)


def _checked(path: Path, entries: JsonObject, begin: int, available: int) -> Header:
    metadata = _checked_metadata(path, entries.pop("__metadata__", None))
    places = {name: _checked_place(path, name, entry, begin, available) for name, entry in entries.items()}
    in_order = sorted((each for each in places.items() if each[1].size), key=lambda each: each[1].offset)
    for (name, before), (other, after) in itertools.pairwise(in_order):
        if before.offset + before.size > after.offset:
            raise broken(path, f"the header places {_short(name)} and {_short(other)} at overlapping positions")
    return Header(shapes={name: place.shape for name, place in places.items()}, metadata=metadata, places=places)


def _checked_metadata(path: Path, said: object) -> Mapping[str, str]:
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise broken(path, "the header's free text (__metadata__) is not a table of texts")
    texts = cast("dict[str, object]", said)
    if any(isinstance(value, (dict, list)) for value in texts.values()):
        raise broken(path, "the header's free text (__metadata__) is not a table of texts")
    return {key: str(value) for key, value in texts.items()}


def _checked_place(path: Path, name: str, entry: object, begin: int, available: int) -> TensorPlace:
    if len(name) > MAX_NAME:
        raise broken(path, f"the header has a tensor with a name of {len(name)} characters")
    found = cast("JsonObject", entry) if isinstance(entry, dict) else {}
    dtype, shape, offsets = found.get("dtype"), found.get("shape"), found.get("data_offsets")
    if not isinstance(dtype, str) or not _are_numbers(shape) or not _are_numbers(offsets) or len(offsets) != 2:
        raise broken(path, f"the header's entry for {_short(name)} is malformed")
    first, end = offsets
    if not 0 <= first <= end or min(shape, default=0) < 0:
        raise broken(path, f"the header places {_short(name)} at impossible offsets")
    if end > available:
        raise broken(path, "it is cut off; download or copy it again")
    if dtype not in TYPES:
        raise broken(path, f"{_short(name)} has a number type that is not known ({_short(dtype)})")
    torch_name, width = TYPES[dtype]
    # A tensor without numbers may have any sides; torch still multiplies them.
    if end - first != width * math.prod(shape) or math.prod(max(side, 1) for side in shape) >= 2**60:
        raise broken(path, f"the header gives {_short(name)} a shape that does not fit its bytes")
    return TensorPlace(dtype=torch_name, shape=tuple(shape), offset=begin + first, size=end - first)


def _are_numbers(values: object) -> TypeGuard[list[int]]:
    """Whether it is a list of whole numbers, of which a shape may consist."""
    if not isinstance(values, list) or len(cast("list[object]", values)) > MAX_SIDES:
        return False
    return all(type(value) is int and abs(value) < 2**63 for value in cast("list[object]", values))


def _short(text: str) -> str:
    """A stranger's name as a message can show it."""
    return repr(text if len(text) <= 100 else text[:100] + "...")


def broken(path: Path, reason: str) -> CheckpointError:
    """The error for a file that is not what its name says."""
    return CheckpointError(f"{path} is not a usable model file: {reason}.")
