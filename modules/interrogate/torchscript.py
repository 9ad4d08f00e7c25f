"""Weights in a TorchScript archive, as OpenAI published CLIP: the tensors are taken out, and no code in it is run."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.foundation.errors import CheckpointError, reason_of

MOST_CONTENTS = 64 * 1024 * 1024
"""Bytes of the archive's table of contents."""

_STORAGES: dict[str, torch.dtype] = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
}


def is_torchscript(path: Path) -> bool:
    """Whether a file is such an archive: a zip file with a folder of code."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The tensors of a module and of those in it, by name. Raises CheckpointError naming the file and the reason."""
    try:
        with zipfile.ZipFile(path) as archive:
            contents = next(info for info in archive.infolist() if info.filename.endswith("/data.pkl"))
            if contents.file_size > MOST_CONTENTS:
                raise CheckpointError(f"{path} cannot be used: its table of contents is absurdly large.")
            folder = contents.filename.removesuffix("data.pkl")
            with archive.open(contents) as file:
                module = _TensorReader(file, archive, folder).load()
            return dict(_tensors(module, ""))
    except CheckpointError:
        raise
    except (OSError, zipfile.BadZipFile, pickle.UnpicklingError, StopIteration, RuntimeError) as error:
        raise CheckpointError(f"{path} is no TorchScript archive that can be read ({reason_of(error)}).") from error
    except (LookupError, TypeError, ValueError, AttributeError, EOFError, RecursionError) as error:
        raise CheckpointError(f"{path} is a damaged TorchScript archive ({reason_of(error)}).") from error


class _Module:
    """Stands for a module of whatever class: what it holds, by name."""

    def __setstate__(self, state: Any) -> None:
        self.parts = dict(state) if isinstance(state, dict) else {}


class _TensorReader(pickle.Unpickler):
    """Knows modules, tensors and lists, and refuses to import anything else."""

    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return _Module
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch.jit._pickle":
            return _plain_value
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        raise pickle.UnpicklingError(f"it wants to import {module}.{name}")

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, *_ = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError("it refers to something that is no tensor")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._folder}data/{key}"))
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self._storages[key]


def _tensor(storage: Tensor, start: int, size: Any, stride: Any, *_: Any) -> Tensor:
    return storage.as_strided(tuple(size), tuple(stride), start)


def _plain_value(*values: Any) -> Any:
    return values[0] if values else None


def _tensors(module: Any, prefix: str) -> list[tuple[str, Tensor]]:
    found: list[tuple[str, Tensor]] = []
    for name, part in getattr(module, "parts", {}).items():
        if isinstance(part, Tensor):
            found.append((f"{prefix}{name}", part))
        elif isinstance(part, _Module):
            found += _tensors(part, f"{prefix}{name}.")
    return found
