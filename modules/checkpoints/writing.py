"""Writing model files piece by piece: the table of contents first, then tensor after tensor, none kept."""

from __future__ import annotations

import collections
import io
import json
import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_ALIGNMENT = 64
"""Bytes; torch lays the storages of its files on such borders, so that they can be mapped."""

_SAFETENSORS_TYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
_STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Output:
    """One tensor to be written. `pieces()` gives its numbers in order, as flat tensors of its type."""

    key: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    pieces: Callable[[], Iterator[Tensor]]

    @property
    def size(self) -> int:
        """Bytes of the tensor."""
        return self.dtype.itemsize * math.prod(self.shape)

    @property
    def type_name(self) -> str:
        """The type's name without "torch."."""
        return str(self.dtype).removeprefix("torch.")


def write_safetensors(file: IO[bytes], outputs: Sequence[Output], metadata: Mapping[str, str]) -> None:
    """A safetensors file. Raises CheckpointError for a number type that the format does not have."""
    # Wide types first, so that every tensor lies on a border of its own type; then by name, as other writers do.
    ordered = sorted(outputs, key=lambda output: (-output.dtype.itemsize, output.key))
    table: JsonObject = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for output in ordered:
        name = _known(_SAFETENSORS_TYPES, output, "safetensors")
        table[output.key] = {"dtype": name, "shape": output.shape, "data_offsets": [offset, offset + output.size]}
        offset += output.size
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    file.write(struct.pack("<Q", len(header)) + header)
    for output in ordered:
        _write_pieces(file, output)


def write_checkpoint(file: IO[bytes], outputs: Sequence[Output], extra: Mapping[str, str]) -> None:
    """What torch.save would write of {"state_dict": {...}, **extra}, without the tensors ever being in memory.

    Raises CheckpointError for a number type that the format does not have.
    """
    contents = {"state_dict": {output.key: _Tensor(str(index), output) for index, output in enumerate(outputs)}}
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=2).dump({**contents, **extra})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, data in (("data.pkl", buffer.getvalue()), (".format_version", b"1"), ("byteorder", b"little")):
            with archive.open(_entry(file, name, len(data)), "w") as record:
                record.write(data)
        for index, output in enumerate(outputs):
            with archive.open(_entry(file, f"data/{index}", output.size), "w") as record:
                _write_pieces(record, output)
        with archive.open(_entry(file, "version", 2), "w") as record:
            record.write(b"3\n")


def _write_pieces(file: IO[bytes], output: Output) -> None:
    import torch

    written = 0
    for piece in output.pieces():
        if piece.dtype != output.dtype:
            raise AssertionError(f"{output.key} came as {piece.dtype} instead of {output.dtype}")
        raw: Any = piece.contiguous().view(torch.uint8).numpy()
        written += file.write(memoryview(raw))
    if written != output.size:
        raise AssertionError(f"{output.key} came with {written} bytes instead of {output.size}")


def _known(names: Mapping[str, str], output: Output, form: str) -> str:
    if output.type_name not in names:
        raise CheckpointError(f"{output.key} has numbers of type {output.type_name}, which {form} files do not have.")
    return names[output.type_name]


def _entry(file: IO[bytes], name: str, size: int) -> zipfile.ZipInfo:
    """A record whose data begin at a multiple of the alignment, by padding in the header's "extra" field."""
    entry = zipfile.ZipInfo(f"archive/{name}", date_time=(1980, 1, 1, 0, 0, 0))
    entry.file_size = size
    # The record's own header: 30 bytes and its name; a large one gets 20 more for its size.
    zip64 = 20 if size * 1.05 > zipfile.ZIP64_LIMIT else 0
    start = file.tell() + 30 + len(entry.filename) + zip64 + 4
    padding = -start % _ALIGNMENT
    entry.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    return entry


class _Tensor:
    """Stands for a tensor in the pickle: rebuilt by torch from the storage `number`."""

    def __init__(self, number: str, output: Output) -> None:
        self._storage, self._shape = _Storage(number, output), output.shape

    def __reduce__(self) -> tuple[Any, ...]:
        from torch import _utils

        stride, step = [], 1
        for length in reversed(self._shape):
            stride.insert(0, step)
            step *= max(length, 1)
        hooks: collections.OrderedDict[str, Any] = collections.OrderedDict()
        rebuild: object = _utils._rebuild_tensor_v2  # pyright: ignore[reportPrivateUsage]
        return rebuild, (self._storage, 0, self._shape, tuple(stride), False, hooks)


class _Storage:
    """Stands for a tensor's numbers, which lie in a record of their own."""

    def __init__(self, number: str, output: Output) -> None:
        self.number = number
        self.type_name = _known(_STORAGES, output, ".ckpt")
        self.count = math.prod(output.shape)


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> Any:
        if not isinstance(obj, _Storage):
            return None
        import torch

        return "storage", getattr(torch, obj.type_name), obj.number, "cpu", obj.count
