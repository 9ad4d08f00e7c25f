"""The restricted unpickler: names and shapes of a torch.save file, read without torch and without running its code.

Such a file is a pickle, a small program for a machine that can import and call what it likes. Here that machine knows
a handful of names, all harmless stand-ins of our own; a file that mentions any other is refused and the name told.
Whatever torch would make of the file is bounded here against the file's own size, before torch is asked to.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from modules.checkpoints.pickle_bounds import check_program
from modules.checkpoints.safetensors_header import MAX_NAME, MAX_SIDES, MAX_TENSORS, broken
from modules.foundation.errors import CheckpointError
from modules.foundation.json_text import whole_text
from modules.foundation.plain import JsonMapping
from modules.foundation.text_files import open_file

MAX_PICKLE = 16 * 1024 * 1024
"""Bytes; the pickle of a large checkpoint, names and shapes without weights, takes less than one megabyte."""

MAX_EXPANSION, SMALL = 20, 16 * 1024 * 1024
"""A zip may unpack to so many times its own size, or to so many bytes; torch does not compress at all."""

MAX_SHARING = 4
"""How often tensors may share the numbers of a file, on average; tied weights do, and averages of weights."""

MAX_DEPTH = 8
"""How often tables may be nested around the one with the tensors."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""What files begin with that torch wrote before it used zip."""

DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(RuntimeError, AssertionError, zipfile.BadZipFile, zlib.error, struct.error),
)
"""What reading a damaged file raises: whatever the damaged byte runs into."""

_DTYPES = re.compile(
    r"torch\.(u?int\d+|float\d+\w*|bfloat16|complex\d+|bool|q\w?int\d\w*|bits\w+|per_\w+)"
    r"|torch\.(cuda\.)?\w+Storage|torch\.(cuda\.)?(sparse\.)?\w+Tensor|torch\.storage\.(Typed|Untyped)Storage"
)
_STORAGE_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("ComplexDouble",), 16),
    **dict.fromkeys(("Double", "Long", "ComplexFloat"), 8),
    **dict.fromkeys(("Float", "Int", "QInt32"), 4),
    **dict.fromkeys(("Half", "BFloat16", "Short"), 2),
}
"""Bytes of one number, by the name of the storage; those of others are one byte."""


@dataclass(frozen=True, slots=True)
class TensorStub:
    """A tensor that was not read."""

    shape: tuple[int, ...]

    def __setstate__(self, state: object) -> None:
        raise ValueError("it changes a tensor after it was made")


@dataclass(frozen=True, slots=True)
class _Storage:
    """The numbers that tensors are made of: how many, and bytes of each."""

    count: int
    width: int


@dataclass(frozen=True, slots=True)
class _Named:
    """A type that may be mentioned and must not be called, by its name."""

    name: str


class WantsCode(pickle.UnpicklingError):
    """The pickle mentions something that a table of tensors has no need of."""


def read_pickle(path: Path) -> Any:
    """What a torch.save file holds, with a `TensorStub` in the place of each tensor.

    Raises CheckpointError, naming the file and the reason, for one that is damaged, wants to run code or unpacks to
    absurd sizes.
    """
    try:
        with open_file(path) as file:
            if zipfile.is_zipfile(file):
                check_zip(path)
                return _read_zip(file)
            file.seek(0)
            if file.read(4) == b"PK\x03\x04":
                raise ValueError("its end is missing; download or copy it again")
            return _read_legacy(file)
    except WantsCode as error:
        raise _refused(path, str(error)) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise broken(path, "it asks for more memory than there is") from error
    except DAMAGE as error:
        raise broken(path, f"it is cut off or damaged ({first_line(error)})") from error


def pickle_shapes(content: object) -> Mapping[str, tuple[int, ...]]:
    """The shapes of the tensors in what `read_pickle` gave, at the top or under "state_dict"."""
    table = innermost_table(content)
    return {key: value.shape for key, value in named(table or {}) if isinstance(value, TensorStub)}


def named(table: Mapping[object, object]) -> Iterator[tuple[str, Any]]:
    """What a table has under a name. Numbers are names in some files; other keys are not."""
    for key, value in table.items():
        if isinstance(key, str):
            yield whole_text(key), value
        elif type(key) is int and abs(key) < 2**63:
            yield str(key), value


def scalar_text(value: object) -> str | None:
    """A small value (a number, a name) that stands beside the tensors, as text; None for anything else."""
    if isinstance(value, str):
        return whole_text(value[:MAX_NAME])
    return str(value) if isinstance(value, (int, float)) and abs(value) < 2**63 else None


def innermost_table(content: object) -> dict[Any, Any] | None:
    """The table with the tensors: the one at the top, or that under "state_dict" in it, and so on."""
    for _ in range(MAX_DEPTH):
        inner = cast("dict[Any, Any]", content).get("state_dict") if isinstance(content, dict) else None
        if not isinstance(inner, dict):
            break
        content = cast("dict[Any, Any]", inner)
    return cast("dict[Any, Any]", content) if isinstance(content, dict) else None


def first_line(error: BaseException) -> str:
    """What an error of a library says, as a part of a sentence."""
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


def check_zip(path: Path) -> None:
    """See that a zip unpacks to what a file of its size can hold. Raises CheckpointError for a zip bomb."""
    size = path.stat().st_size
    try:
        check_entry_count(path)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except DAMAGE as error:
        raise broken(path, f"it is cut off or damaged ({first_line(error)})") from error
    if unpacked > max(size * MAX_EXPANSION, SMALL):
        raise CheckpointError(
            f"{path} was refused: its {size:,} bytes would unpack to {unpacked:,} (a zip bomb). Delete it."
        )


def check_entry_count(path: Path) -> None:
    """See how many entries a zip says it has, before a list of them is made. Raises ValueError for too many."""
    with open_file(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(size - _ZIP_TAIL, 0))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    count = int.from_bytes(tail[end + 10 : end + 12], "little") if end >= 0 else 0
    # The form for many entries has a record of its own, before the usual one.
    if count == 0xFFFF and (large := tail.rfind(b"PK\x06\x06")) >= 0:
        count = int.from_bytes(tail[large + 32 : large + 40], "little")
    if count > MAX_TENSORS:
        raise ValueError(f"it has {count:,} parts")


_ZIP_TAIL = 66_000
"""Bytes at the end of a zip in which its number of entries stands: the comment after it has at most 65,535."""


def _refused(path: Path, wanted: str) -> CheckpointError:
    return CheckpointError(
        f"{path} was refused: it wants to import {wanted}, and a model file must not run code. "
        "Use a .safetensors version of it."
    )


def _read_zip(file: IO[bytes]) -> Any:
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        entry = next((each for each in archive.infolist() if each.filename.endswith("/data.pkl")), None)
        if entry is None:
            raise ValueError("it is a zip, but not one that torch wrote")
        if entry.file_size > MAX_PICKLE:
            raise ValueError(f"its table of tensors has {entry.file_size:,} bytes")
        with archive.open(entry) as packed:
            data = packed.read(MAX_PICKLE)
        folder = entry.filename.removesuffix("data.pkl")
        sizes = {each.filename.removeprefix(folder + "data/"): each.file_size for each in archive.infolist()}
        sizes = {each.filename.removeprefix(folder + "data/"): each.file_size for each in archive.infolist()}
    check_program(data)
    return _RestrictedUnpickler(io.BytesIO(data), size, sizes).load()


def _read_legacy(file: IO[bytes]) -> Any:
    """Four pickles one after another: magic number, version, byte order, content. Older ones are the content alone."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    data = file.read(MAX_PICKLE)
    end = 0
    for _ in range(4):
        end = check_program(data, end)
        if end == len(data):
            break
    stream = io.BytesIO(data)
    content = _RestrictedUnpickler(stream, size).load()
    if content != LEGACY_MAGIC:
        return content
    for _ in range(2):
        _RestrictedUnpickler(stream, size).load()
    return _RestrictedUnpickler(stream, size).load()


class _RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that finds only stand-ins for the names a table of tensors needs.

    `size` is that of the file in bytes, which bounds all tensors together; `sizes` are the bytes of each storage in
    it, where the form of the file tells.
    """

    def __init__(self, file: IO[bytes], size: int, sizes: Mapping[str, int] | None = None) -> None:
        super().__init__(file, encoding="latin-1")
        self._size, self._sizes = size, sizes
        self._storages: dict[str, int] = {}
        self._stored = self._taken = 0
        self._tensors: Mapping[str, Callable[..., Any]] = {
            "torch._utils._rebuild_qtensor": self._tensor,
            "torch._utils._rebuild_tensor": self._tensor,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_tensor_v3": self._tensor,
        }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name.replace('__builtin__', 'builtins')}.{global_name}"
        if name in self._tensors:
            return self._tensors[name]
        if name in _STAND_INS:
            return _STAND_INS[name]
        if len(name) <= MAX_NAME and _DTYPES.fullmatch(name):
            return _Named(global_name)
        raise WantsCode(name[:MAX_NAME])

    def persistent_load(self, pid: object, /) -> Any:
        """A storage: ("storage", its type, its name, where it was, how many numbers it has)."""
        _, kind, key, _, count = cast("tuple[Any, ...]", pid)[:5]
        if not isinstance(kind, _Named) or not isinstance(key, str) or not _is_size(count):
            raise ValueError("its table of contents makes no sense")
        width = _STORAGE_BYTES.get(kind.name.removesuffix("Storage"), 1)
        if self._sizes is not None and key not in self._sizes:
            raise ValueError(f"the numbers of {key!r} are missing")
        available = self._size if self._sizes is None else self._sizes[key]
        self._stored += count * width - self._storages.get(key, 0)
        self._storages[key] = count * width
        if count * width > available or self._stored > self._size + SMALL:
            raise ValueError(f"the numbers of {key!r} are more than the file holds")
        return _Storage(count, width)

    def _tensor(
        self, storage: object = None, offset: Any = 0, shape: Any = (), stride: Any = (), *_: object
    ) -> TensorStub:
        sides, steps = tuple(shape), tuple(stride)
        if not isinstance(storage, _Storage) or len(sides) > MAX_SIDES or len(steps) != len(sides):
            raise ValueError("it has a tensor that is none")
        if not all(map(_is_size, (*sides, *steps, offset))):
            raise ValueError("it has a tensor of an impossible size")
        count = math.prod(sides)
        last = offset + sum((side - 1) * step for side, step in zip(sides, steps, strict=True)) if count else 0
        if count > storage.count or last >= max(storage.count, 1):
            raise ValueError("it has a tensor of more numbers than it holds for it")
        self._taken += count * storage.width
        if self._taken > self._size * MAX_SHARING + SMALL:
            raise ValueError("its tensors would be many times larger than the file")
        return TensorStub(sides)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**60


class _Table(dict[Any, Any]):
    """Stands for containers that keep their entries as a state."""

    def __setstate__(self, state: object) -> None:
        entries = state.get("_parameters", state) if isinstance(state, dict) else {}
        self.update(cast("dict[Any, Any]", entries))


def _anything(*_: object) -> None:
    return None


def _parameter(data: object = None, *_: object) -> Any:
    return data


def _typed(function: Any = None, _type: object = None, arguments: Any = (), *_: object) -> Any:
    return function(*arguments)


def _bytes_of(data: object = b"", *_: object) -> bytes:
    # A number would be an order for so much memory.
    if not isinstance(data, (bytes, str)):
        raise ValueError("it makes an array of bytes out of nothing")
    return data if isinstance(data, bytes) else data.encode("latin-1")


def _encoded(text: object = "", encoding: object = "latin1", *_: object) -> str:
    # How pickles of old protocols say bytes. Other encodings may compute for hours.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise ValueError("it has a text in an encoding that is not used in model files")
    return text


_STAND_INS: JsonMapping = {
    "collections.OrderedDict": collections.OrderedDict,
    "collections.Counter": collections.Counter,
    "builtins.set": set,
    "builtins.bytearray": _bytes_of,
    "builtins.complex": complex,
    "_codecs.encode": _encoded,
    # A key beside the weights in the official checkpoints of 2022; its class is not needed.
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint": _anything,
    "torch.Size": tuple,
    "torch.device": _anything,
    "torch.Tensor": _Named("Tensor"),
    "torch.serialization._get_layout": _anything,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.nn.modules.container.ParameterDict": _Table,
    "torch._tensor._rebuild_from_type_v2": _typed,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _parameter,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
}
