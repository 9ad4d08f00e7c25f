"""Names and shapes of a torch.save file, read without torch and without running anything in it.

Such a file is a pickle, a small program for a machine that can import and call what it likes. Here that machine knows
a handful of names, all harmless stand-ins of our own; a file that mentions any other is refused and the name told.
"""

from __future__ import annotations

import collections
import io
import pickle
import pickletools
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from modules.checkpoints.tensors import broken
from modules.foundation.errors import CheckpointError

MAX_PICKLE = 64 * 1024 * 1024
"""Bytes; the pickle of a large checkpoint, names and shapes without weights, takes less than one megabyte."""

MAX_EXPANSION, SMALL = 20, 16 * 1024 * 1024
"""A zip may unpack to so many times its own size, or to so many bytes; torch does not compress at all."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""What files begin with that torch wrote before it used zip."""

_DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError, OverflowError)
_DTYPES = (
    r"torch\.(u?int\d+|float\d+\w*|bfloat16|complex\d+|bool|q\w?int\d\w*|bits\w+|per_\w+)"
    r"|torch\.(cuda\.)?\w+Storage|torch\.(cuda\.)?(sparse\.)?\w+Tensor|torch\.storage\.(Typed|Untyped)Storage"
)


@dataclass(frozen=True, slots=True)
class TensorStub:
    """A tensor that was not read."""

    shape: tuple[int, ...]


class WantsCode(pickle.UnpicklingError):
    """The pickle mentions something that a table of tensors has no need of."""


def read_pickle(path: Path) -> Any:
    """What a torch.save file holds, with a `TensorStub` in the place of each tensor.

    Raises CheckpointError, naming the file and the reason, for one that is damaged, wants to run code or unpacks to
    absurd sizes.
    """
    try:
        with path.open("rb") as file:
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
    except (*_DAMAGE, zipfile.BadZipFile, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise broken(path, f"it is cut off or damaged ({reason})") from error


def pickle_shapes(content: Any) -> Mapping[str, tuple[int, ...]]:
    """The shape of each tensor in what `read_pickle` gave, looked for where checkpoints have their table."""
    while isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = cast("dict[Any, Any]", content)["state_dict"]
    table = cast("dict[Any, Any]", content) if isinstance(content, dict) else {}
    return {str(key): value.shape for key, value in table.items() if isinstance(value, TensorStub)}


def check_zip(path: Path) -> None:
    """See that a zip unpacks to what a file of its size can hold. Raises CheckpointError for a zip bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise broken(path, f"it is cut off or damaged ({error})") from error
    size = path.stat().st_size
    if unpacked > max(size * MAX_EXPANSION, SMALL):
        raise CheckpointError(
            f"{path} was refused: its {size:,} bytes would unpack to {unpacked:,} (a zip bomb). Delete it."
        )


def _refused(path: Path, wanted: str) -> CheckpointError:
    return CheckpointError(
        f"{path} was refused: it wants to import {wanted}, and a model file must not run code. "
        "Use a .safetensors version of it."
    )


def _read_zip(file: IO[bytes]) -> Any:
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
    _check_program(io.BytesIO(data), len(data))
    reader = _Reader(io.BytesIO(data))
    content = reader.load()
    for key in reader.storages:
        if key not in sizes:
            raise ValueError(f"the numbers of {key!r} are missing")
    return content


def _read_legacy(file: IO[bytes]) -> Any:
    """Four pickles one after another: magic number, version, byte order, content. Older ones are the content alone."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    for _ in range(4):
        _check_program(file, size)
        if file.tell() == size:
            break
    file.seek(0)
    content = _Reader(file).load()
    if content != LEGACY_MAGIC:
        return content
    for _ in range(2):
        _Reader(file).load()
    return _Reader(file).load()


def _check_program(file: IO[bytes], size: int) -> None:
    """Walk through one pickle without running it: it must be whole, and claim no memory beyond its own size."""
    for operation, argument, _ in pickletools.genops(file):
        if operation.name.endswith("PUT") and isinstance(argument, int) and argument > size:
            raise ValueError("its table of references is absurd")


class _Reader(pickle.Unpickler):
    """The machine that knows only stand-ins."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="latin-1")
        self.storages: set[str] = set()

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name.replace('__builtin__', 'builtins')}.{global_name}"
        if name in _STAND_INS:
            return _STAND_INS[name]
        if re.fullmatch(_DTYPES, name):
            return _anything
        raise WantsCode(name)

    def persistent_load(self, pid: Any, /) -> Any:
        if isinstance(pid, tuple) and len(cast("tuple[Any, ...]", pid)) > 2:
            self.storages.add(str(cast("tuple[Any, ...]", pid)[2]))
        return None


class _Table(dict[Any, Any]):
    """Stands for containers that keep their entries as a state."""

    def __setstate__(self, state: Any) -> None:
        entries = state.get("_parameters", state) if isinstance(state, dict) else {}
        self.update(cast("dict[Any, Any]", entries))


def _anything(*_: Any) -> None:
    return None


def _tensor(_storage: Any = None, _offset: Any = 0, shape: Any = (), *_: Any) -> TensorStub:
    return TensorStub(tuple(int(side) for side in shape))


def _parameter(data: Any = None, *_: Any) -> Any:
    return data


def _typed(_function: Any = None, _type: Any = None, arguments: Any = (), *_: Any) -> Any:
    return _tensor(*arguments)


_STAND_INS: Mapping[str, Callable[..., Any]] = {
    "collections.OrderedDict": collections.OrderedDict,
    "collections.Counter": collections.Counter,
    "builtins.set": set,
    "builtins.bytearray": _anything,
    "builtins.complex": complex,
    "_codecs.encode": lambda text="", *_: text,
    # A key beside the weights in the official checkpoints of 2022; its class is not needed.
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint": _anything,
    "torch.Size": tuple,
    "torch.device": _anything,
    "torch.Tensor": _anything,
    "torch.serialization._get_layout": _anything,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.nn.modules.container.ParameterDict": _Table,
    "torch._tensor._rebuild_from_type_v2": _typed,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _parameter,
    "torch._utils._rebuild_device_tensor_from_numpy": _anything,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._utils._rebuild_qtensor": _tensor,
    "torch._utils._rebuild_sparse_tensor": _anything,
    "torch._utils._rebuild_meta_tensor_no_storage": _anything,
    "torch._utils._rebuild_wrapper_subclass": _anything,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
}
