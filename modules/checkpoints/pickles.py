"""Files of torch.save (.ckpt, .pt, .pth, .bin), read with torch's weights-only loader: no code in them is ever run."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from modules.checkpoints.restricted_unpickler import (
    DAMAGE,
    check_entry_count,
    first_line,
    innermost_table,
    named,
    read_pickle,
)
from modules.checkpoints.safetensors_header import Shapes, TensorPlace, broken
from modules.checkpoints.tensor_reader import OnDisk
from modules.foundation.errors import CheckpointError
from modules.foundation.json_text import whole_text
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MAX_CONTENTS = 64 * 1024 * 1024
"""Bytes that the table of contents may take unpacked; those of the largest checkpoints take a few MB."""


class ModelCheckpoint(str):
    """Stands for the class of this name in files of PyTorch Lightning, which use it as a key beside the weights.

    The official checkpoints of 2022 do. It is text, and nothing is executed.
    """

    __slots__ = ()


_INERT = ("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",)


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """A tensor in the file: the place of its storage, and which of its numbers belong to it."""

    storage: TensorPlace
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    start: int

    @property
    def is_whole(self) -> bool:
        """Whether it is its storage from the beginning, in order."""
        expected, step = [], 1
        for length in reversed(self.shape):
            expected.append(step)
            step *= length
        ordered = all(
            have == want or length == 1
            for have, want, length in zip(self.stride, reversed(expected), self.shape, strict=True)
        )
        return self.start == 0 and ordered


class PickleFile(OnDisk):
    """A torch.save file. Raises CheckpointError, naming the file and the reason, for one that cannot be used.

    The form since torch 1.6 is a zip file: its table of contents is read alone, tensors when they are wanted. The form
    before it can only be read as a whole.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._places: dict[str, _Stored] = {}
        self._tensors: dict[str, Tensor] = {}
        if zipfile.is_zipfile(path):
            content, self._places = _read_contents(path)
        else:
            content = load_pickle(path)
            self._tensors = _tensors_of(content, path)
        self.metadata: Mapping[str, str] = _texts_of(content)

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        stored = {key: each.shape for key, each in self._places.items()}
        return stored or {key: tuple(tensor.shape) for key, tensor in self._tensors.items()}

    def dtype(self, key: str) -> torch.dtype:
        """The number type in which one tensor is stored."""
        import torch

        return getattr(torch, self._places[key].storage.dtype) if key in self._places else self._tensors[key].dtype

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Some of the names in the order in which their tensors lie in the file."""
        return sorted(keys, key=lambda key: self._places[key].storage.offset) if self._places else list(keys)

    def read(self, key: str) -> Tensor:
        """One tensor in memory of its own."""
        if key not in self._places:
            return self._tensors[key].contiguous().clone()
        stored = self._places[key]
        if stored.is_whole:
            return self._part(self._open.read(stored.storage), stored)
        return self._part(self._open.borrow(stored.storage), stored).contiguous().clone()

    def borrow(self, key: str) -> Tensor:
        """One tensor in memory that the next call uses again."""
        if key not in self._places:
            return self._tensors[key]
        return self._part(self._open.borrow(self._places[key].storage), self._places[key])

    def _part(self, storage: Tensor, stored: _Stored) -> Tensor:
        return storage.as_strided(stored.shape, stored.stride, stored.start)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tensors = {}
        super().__exit__(kind, error, trace)


def read_pickled_table(path: Path) -> JsonObject:
    """Everything in a file of torch.save, nested as it was saved. Raises CheckpointError as PickleFile does."""
    if zipfile.is_zipfile(path):
        _check_archive(path)
    content = load_pickle(path)
    if not isinstance(content, dict):
        raise broken(path, "it holds no table of tensors")
    return cast("JsonObject", content)


def _check_archive(path: Path) -> None:
    """See that a zip file is one of torch's, which unpacks to no more than it is."""
    try:
        check_entry_count(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (*DAMAGE, OSError) as error:
        raise broken(path, first_line(error)) from error
    size = path.stat().st_size
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size for entry in entries):
        raise broken(path, "parts of it are compressed, which torch never does")
    if any(entry.filename.endswith(".pkl") and entry.file_size > MAX_CONTENTS for entry in entries):
        raise broken(path, "its table of contents is absurdly large")


def _read_contents(path: Path) -> tuple[object, dict[str, _Stored]]:
    """What a zip file holds, without numbers, and the places of its tensors, told by torch without reading one."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    _check_archive(path)
    size = path.stat().st_size
    content = load_pickle(path, FakeTensorMode())
    tensors = _tensors_of(content, path)
    try:
        return content, {key: _stored(key, tensor, size, path) for key, tensor in tensors.items()}
    except DAMAGE as error:
        raise broken(path, f"it holds tensors of a kind that no model has ({first_line(error)})") from error


def _stored(key: str, tensor: Tensor, size: int, path: Path) -> _Stored:
    storage: Any = tensor.untyped_storage()
    offset, count = int(storage._checkpoint_offset), int(storage.nbytes())
    if offset + count > size:
        raise broken(path, f"{key!r} lies beyond the file's end")
    dtype, width = str(tensor.dtype).removeprefix("torch."), tensor.element_size()
    place = TensorPlace(dtype=dtype, shape=(count // width,), offset=offset, size=count // width * width)
    return _Stored(
        storage=place, shape=tuple(tensor.shape), stride=tuple(tensor.stride()), start=int(tensor.storage_offset())
    )


def load_pickle(path: Path, mode: Any = None, more: Sequence[type] = ()) -> object:
    """What the file holds; under a mode without numbers, without them. `more` are further classes it may hold.

    Nothing in it is executed. Raises CheckpointError, naming the file and the reason, for a file that wants to run
    code, is damaged, or would take more memory than its own size explains.
    """
    import contextlib

    import torch

    # Tells what it wants to import, and bounds what torch is about to build.
    read_pickle(path)
    known: list[Any] = [*((ModelCheckpoint, name) for name in _INERT), *more]
    without_numbers = mode or contextlib.nullcontext()
    try:
        with torch.serialization.safe_globals(known), warnings.catch_warnings(), without_numbers:
            # torch remarks on pickle protocols that other programs write; the reader refuses what it cannot read.
            warnings.filterwarnings("ignore", message="Detected pickle protocol", category=UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} was refused: {_refusal(str(error))}") from error
    except MemoryError as error:
        raise broken(path, "it asks for more memory than there is") from error
    except (*DAMAGE, OSError) as error:
        raise broken(path, first_line(error)) from error


def _refusal(text: str) -> str:
    refused = re.search(r"(?:GLOBAL|class) ([\w.]+)", text)
    wanted = f"it wants to import {refused[1]}" if refused else "it holds more than tensors"
    return f"{wanted}, and a model file must not run code. Use a .safetensors version of it."


def _texts_of(content: object) -> dict[str, str]:
    """What stands beside the tensors in words, as the metadata of a merged file does."""
    table = cast("dict[object, object]", content) if isinstance(content, dict) else {}
    return {key: whole_text(value) for key, value in named(table) if isinstance(value, str)}


def _tensors_of(content: object, path: Path) -> dict[str, Tensor]:
    import torch

    table = innermost_table(content)
    if table is None:
        raise broken(path, "it holds no table of tensors")
    return {key: value for key, value in named(table) if isinstance(value, torch.Tensor)}
