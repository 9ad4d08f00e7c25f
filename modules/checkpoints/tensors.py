"""Reading model files: names and shapes first, tensors one by one when they are wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from modules.checkpoints.pickles import PickleFile, read_pickled_table
from modules.checkpoints.safetensors_header import Shapes, broken, read_header
from modules.checkpoints.sniff import mismatch
from modules.checkpoints.tensor_reader import OnDisk
from modules.foundation.errors import CheckpointError
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TensorSource(Protocol):
    """An open model file."""

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """Free text that came with the tensors; empty where the format has no place for it."""
        ...

    def dtype(self, key: str) -> torch.dtype:
        """The number type in which one tensor is stored."""
        ...

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Some of the names in the order in which their tensors lie in the file."""
        ...

    def read(self, key: str) -> Tensor:
        """One tensor in memory of its own, on the CPU, in the type it is stored in."""
        ...

    def borrow(self, key: str) -> Tensor:
        """Like `read`, but in memory that the next call of `borrow` uses again: to be converted at once."""
        ...

    def __enter__(self) -> TensorSource: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_tensors(path: Path) -> TensorSource:
    """Open a .safetensors or a .ckpt/.pt/.pth/.bin file. Raises CheckpointError naming the file and the reason."""
    is_safetensors = path.suffix.casefold() == ".safetensors"
    try:
        reason = mismatch(path, "safetensors" if is_safetensors else "torch")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    if reason is not None:
        raise broken(path, reason)
    if is_safetensors:
        return SafetensorsFile(path)
    return PickleFile(path)


class SafetensorsFile(OnDisk):
    """A safetensors file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._header = read_header(path)

    @property
    def shapes(self) -> Shapes:
        """The shape of each tensor by its name."""
        return self._header.shapes

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's free text."""
        return self._header.metadata

    def dtype(self, key: str) -> torch.dtype:
        """The number type in which one tensor is stored."""
        import torch

        return getattr(torch, self._header.places[key].dtype)

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Some of the names in the order in which their tensors lie in the file."""
        return sorted(keys, key=lambda key: self._header.places[key].offset)

    def read(self, key: str) -> Tensor:
        """One tensor in memory of its own."""
        return self._open.read(self._header.places[key])

    def borrow(self, key: str) -> Tensor:
        """One tensor in memory that the next call uses again."""
        return self._open.borrow(self._header.places[key])


def read_weights(path: Path) -> JsonObject:
    """Everything in a model file of either format, nested as it was saved. No code of the file is run.

    Raises CheckpointError naming the file and the reason.
    """
    if path.suffix.casefold() != ".safetensors":
        return read_pickled_table(path)
    with SafetensorsFile(path) as source:
        return {key: source.read(key) for key in source.shapes}


def parameter_count(shapes: Shapes, prefix: str = "") -> int:
    """Numbers in all tensors whose name begins with `prefix`."""
    return sum(math.prod(shape) for key, shape in shapes.items() if key.startswith(prefix))
